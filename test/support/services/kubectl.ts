import { spawnSync } from 'node:child_process';

/** kubectl 1.21 is the first whose `kustomize` reads components. Debian 12 has an older one. */
const LOWEST_MINOR = 21;

interface KubectlVersion {
  readonly clientVersion?: { readonly major?: string; readonly minor?: string };
}

/** Whether this machine has a kubectl that renders the manifests; that needs no cluster. */
export function hasKubectl(): boolean {
  const { status, stdout } = spawnSync('kubectl', ['version', '--client', '--output=json']);
  if (status !== 0) return false;
  const { clientVersion } = JSON.parse(stdout.toString()) as KubectlVersion;
  return clientVersion?.major === '1' && parseInt(clientVersion.minor ?? '', 10) >= LOWEST_MINOR;
}
