import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { basename, dirname } from 'node:path';

/** What is not the subject's work: waiting for requests, and the bench's own questions to it. */
const LEFT_OUT = new Set(['(idle)', 'probe', 'node:inspector', 'node:internal/child_process']);

/**
 * Busy time by package, folder of `src` or module of Node, in microseconds a request. What has no
 * script of its own, as native code, counts for the nearest caller that has one.
 */
export function timeByPlace(file: string, requests: number): Map<string, number> {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile;
  const places = placesOfNodes(profile.nodes);
  const micros = new Map<string, number>();
  profile.samples?.forEach((id, i) => {
    const place = places.get(id);
    if (place === undefined || LEFT_OUT.has(place)) return;
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
  const [, subject] = /\/(subjects\/[^/]+)$/.exec(url) ?? [];
  if (subject !== undefined) return subject;
  if (/\/bench\/(?:probe|remote)\.js$/.test(url)) return 'probe';
  const [, folder] = /\/dist\/([^/]+)/.exec(url) ?? [];
  // Another build may be in a folder of another name.
  return `src/${folder ?? basename(dirname(url))}`;
}
