import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { basename, dirname } from 'node:path';

/** Not work of the server: waiting for requests, and the probe of the bench. */
const EXCLUDED = new Set(['(idle)', 'probe', 'node:inspector', 'node:internal/child_process']);

/**
 * CPU time by package, folder of `src`, module of Node or file of `servers`, in microseconds per
 * request. Native code counts for the nearest calling function that has a script.
 */
export function timeByPlace(file: string, requests: number): Map<string, number> {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile;
  const places = placesOfNodes(profile.nodes);
  const micros = new Map<string, number>();
  profile.samples?.forEach((id, i) => {
    const place = places.get(id);
    if (place === undefined || EXCLUDED.has(place)) return;
    const spent = (profile.timeDeltas?.[i] ?? 0) / requests;
    micros.set(place, (micros.get(place) ?? 0) + spent);
  });
  return micros;
}

function placesOfNodes(nodes: readonly Profiler.ProfileNode[]): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const places = new Map<number, string>();
  const walk = (node: Profiler.ProfileNode, caller: string | undefined): void => {
    const { functionName, url } = node.callFrame;
    const own = isScript(url) ? placeOf(url) : undefined;
    places.set(node.id, own ?? caller ?? functionName);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) walk(child, own ?? caller);
    }
  };
  const [root] = nodes;
  if (root) walk(root, undefined);
  return places;
}

/** Neither native code nor WebAssembly. */
const isScript = (url: string): boolean => url !== '' && !url.startsWith('wasm:');

function placeOf(url: string): string {
  const [, node] = /^(node:(?:internal\/)?[^/]+)/.exec(url) ?? [];
  if (node !== undefined) return node;
  const [, packaged] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (packaged !== undefined) return packaged;
  const [, server] = /\/(servers\/[^/]+)$/.exec(url) ?? [];
  if (server !== undefined) return server;
  if (/\/bench\/(?:probe|worker-process)\.js$/.test(url)) return 'probe';
  const [, folder] = /\/dist\/([^/]+)/.exec(url) ?? [];
  // The build given by --against may lie in a folder that is not called dist.
  return `src/${folder ?? basename(dirname(url))}`;
}
