import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBinary } from './binaries';
import { dropPrivileges } from './drop-privileges';
import { findOrInstall } from './find-or-install';
import { LOOPBACK } from './ports';
import { ServiceProcess } from './service-process';

/** One series of a query's result, with its value now. */
interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A rule as Prometheus evaluated it; `health` is `ok` if Prometheus could run its query. */
interface EvaluatedRule {
  readonly name: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Only of alerts. */
  readonly state?: 'inactive' | 'pending' | 'firing';
}

/** A real Prometheus. */
export interface Prometheus {
  /** @throws Error if Prometheus rejects the query */
  query(expr: string): Promise<QueryResult[]>;
  getRules(): Promise<EvaluatedRule[]>;
  stop(): Promise<void>;
}

/**
 * Starts a Prometheus that scrapes these services and evaluates the rules every second.
 * @param urls the URLs of the services, which are the job `otp-service`
 * @param rules a folder with files of rules
 */
export async function startPrometheus(urls: string[], rules: string): Promise<Prometheus> {
  const command = await findOrInstall({
    title: 'Prometheus',
    find: () => findBinary(['prometheus']),
    debianPackage: 'prometheus',
  });
  const targets = urls.map((url) => new URL(url).host);
  const service = await ServiceProcess.start({
    name: 'prometheus',
    user: dropPrivileges(),
    prepare: async (folder) => {
      cpSync(rules, join(folder, 'rules'), { recursive: true });
      writeFileSync(join(folder, 'prometheus.yml'), configuration(targets));
    },
    command,
    args: (folder, port) => [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${LOOPBACK}:${String(port)}`,
    ],
    ready: 'Server is ready to receive web requests',
    stopSignal: 'SIGTERM',
  });
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://${LOOPBACK}:${String(service.port)}/api/v1/${path}`);
    const { status, error, data } = (await response.json()) as {
      status: string;
      error?: string;
      data: T;
    };
    if (status !== 'success') throw new Error(`Prometheus: ${error ?? status}`);
    return data;
  };
  return {
    query: async (expr) => {
      const path = `query?query=${encodeURIComponent(expr)}`;
      return (await get<{ result: QueryResult[] }>(path)).result;
    },
    getRules: async () => {
      const { groups } = await get<{ groups: { rules: EvaluatedRule[] }[] }>('rules');
      return groups.flatMap((group) => group.rules);
    },
    stop: () => service.stop(),
  };
}

const configuration = (targets: string[]) => `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules/*.yaml]
scrape_configs:
  - job_name: otp-service
    static_configs: [{ targets: ${JSON.stringify(targets)} }]
`;
