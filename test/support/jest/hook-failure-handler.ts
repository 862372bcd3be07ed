import type { Circus } from '@jest/types';

type HookFailure = Extract<Circus.SyncEvent | Circus.AsyncEvent, { name: 'hook_failure' }>;

/**
 * Makes a failed `beforeAll` fail only one test of its block. Skips the other tests of the block, and
 * drops later errors of its hooks.
 */
export class HookFailureHandler {
  private readonly failedBlocks = new Set<Circus.DescribeBlock>();

  /** Called after jest's own handler, which added the error to every test of the block. */
  handle({ hook, describeBlock, test }: HookFailure, state: Circus.State): void {
    const block = describeBlock ?? test?.parent;
    if (block === undefined) return;
    const hasEarlierFailure = this.isInFailedBlock(block);
    if (hook.type === 'beforeAll') {
      const tests = testsOf(block);
      if (hasEarlierFailure) for (const { errors } of tests) errors.pop();
      else failOnce(tests);
      this.failedBlocks.add(block);
    } else if (hasEarlierFailure) {
      if (hook.type === 'afterAll') state.unhandledErrors.pop();
      else test?.errors.pop();
    }
  }

  private isInFailedBlock(block: Circus.DescribeBlock): boolean {
    for (let outer: Circus.DescribeBlock | undefined = block; outer; outer = outer.parent) {
      if (this.failedBlocks.has(outer)) return true;
    }
    return false;
  }
}

function testsOf(block: Circus.DescribeBlock): Circus.TestEntry[] {
  return block.children.flatMap((child) => (child.type === 'test' ? [child] : testsOf(child)));
}

/** Keeps the error of the first test, and skips the others. */
function failOnce(tests: Circus.TestEntry[]): void {
  const [, ...others] = tests.filter(({ mode }) => mode !== 'skip' && mode !== 'todo');
  for (const other of others) {
    other.mode = 'skip';
    other.errors.length = 0;
  }
}
