import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ModelState } from './model-state.js';
import {
  getNextCall,
  NOT_STARTED,
  type ExpectedAnswer,
  type Progress,
  type StepContext,
} from './model-step.js';
import type { OperationResponse } from './operation.js';
import { stepOperation } from './read-steps.js';

/** How long a search runs before it pauses. */
const MAX_SEARCH_MS = 20;

/** The state and the progress of each operation that some order of the steps leads to. */
interface SearchNode {
  readonly state: ModelState;
  readonly progress: readonly Progress[];
}

/** The result of the search for an order that explains a group of concurrent operations. */
export interface GroupExplanation {
  /** The states after such orders; empty if no order explains all answers. */
  readonly states: readonly ModelState[];
  /** Answers that some order leads to, but that the service did not give. */
  readonly mismatches: readonly string[];
}

/**
 * Finds an order of the steps of concurrent operations that leads to all answers, given the calls
 * in the order in which the providers received them. Steps of one operation keep their order.
 * A long search pauses for the requests of other runs, which would otherwise miss their deadlines.
 */
export async function explainGroup(
  states: readonly ModelState[],
  contexts: readonly StepContext[],
): Promise<GroupExplanation> {
  const start = contexts.map(() => NOT_STARTED);
  let nodes: SearchNode[] = states.map((state) => ({ state, progress: start }));
  const ends = new Map<string, ModelState>();
  const mismatches = new Set<string>();
  let resumedAt = performance.now();
  while (nodes.length > 0) {
    const next = new Map<string, SearchNode>();
    for (const node of nodes) {
      if (performance.now() - resumedAt > MAX_SEARCH_MS) {
        await setImmediate();
        resumedAt = performance.now();
      }
      if (node.progress.every(({ phase }) => phase === 'done')) {
        const end = node.state.forgetOperations();
        ends.set(end.fingerprint, end);
        continue;
      }
      for (const child of expand(node, contexts, mismatches)) {
        // Equal nodes are kept once. A single operation leads to a single node.
        const isOnly = nodes.length === 1 && contexts.length === 1;
        next.set(isOnly ? '' : describeNode(child), child);
      }
    }
    nodes = [...next.values()];
  }
  return { states: [...ends.values()], mismatches: [...mismatches] };
}

const describeNode = ({ state, progress }: SearchNode): string =>
  [state.fingerprint, ...progress.map(describeProgress)].join('\n');

/** The JSON of each progress. It is immutable, so its JSON is computed only once. */
const texts = new WeakMap<Progress, string>();

function describeProgress(progress: Progress): string {
  const text = texts.get(progress) ?? JSON.stringify(progress);
  texts.set(progress, text);
  return text;
}

/** The nodes that follow by one step of one operation. */
function expand(
  node: SearchNode,
  contexts: readonly StepContext[],
  mismatches: Set<string>,
): SearchNode[] {
  const nextSequence = Math.min(
    ...contexts.flatMap(({ record }, index) =>
      record.calls.slice(node.progress[index]?.calls).map(({ sequence }) => sequence),
    ),
  );
  return contexts.flatMap((context, index) => {
    const progress = node.progress[index] ?? NOT_STARTED;
    if (progress.phase === 'done') return [];
    const call = progress.phase === 'call' ? getNextCall(context, progress) : undefined;
    if (call && call.sequence > nextSequence) return [];
    const result = stepOperation(context, node.state, progress);
    const { answer } = result.progress;
    const { record } = context;
    if (answer) {
      const mismatch =
        result.progress.calls === record.calls.length
          ? findMismatch(answer, record.response)
          : 'made more calls than expected';
      if (mismatch !== undefined) {
        mismatches.add(`${record.id} ${mismatch}; expected ${JSON.stringify(answer)}`);
        return [];
      }
    }
    const allProgress = node.progress.map((other, i) => (i === index ? result.progress : other));
    return [{ state: result.state, progress: allProgress }];
  });
}

function findMismatch(
  { status, body = {}, repeated, replayed, retryAfter }: ExpectedAnswer,
  response: OperationResponse,
): string | undefined {
  if (response.status !== status) return `has status ${response.status}`;
  if (replayed !== undefined && response.replayed !== replayed) {
    return response.replayed ? 'is a replay' : 'is no replay';
  }
  if (retryAfter !== undefined && response.retryAfter !== retryAfter) {
    return `has Retry-After ${response.retryAfter}`;
  }
  if (repeated && !isDeepStrictEqual(response.body, repeated)) return 'repeats another answer';
  const different = Object.entries(body).find(([name, value]) => response.body[name] !== value);
  return different && `has ${different[0]}=${String(response.body[different[0]])}`;
}
