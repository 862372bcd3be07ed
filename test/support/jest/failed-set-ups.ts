import type { Circus } from '@jest/types';

type HookFailure = Extract<Circus.SyncEvent | Circus.AsyncEvent, { name: 'hook_failure' }>;

/** Makes a failed `beforeAll` fail one test, skips the others and drops the errors that follow from it. */
export class FailedSetUps {
  private readonly blocks = new Set<Circus.DescribeBlock>();

  /** Runs after jest's own handler, which gave the error to every test of the block. */
  handle({ hook, describeBlock, test }: HookFailure, state: Circus.State): void {
    const block = describeBlock ?? test?.parent;
    if (block === undefined) return;
    const follows = this.isWithinFailed(block);
    if (hook.type === 'beforeAll') {
      const tests = testsOf(block);
      if (follows) for (const { errors } of tests) errors.pop();
      else failOnce(tests);
      this.blocks.add(block);
    } else if (follows) {
      if (hook.type === 'afterAll') state.unhandledErrors.pop();
      else test?.errors.pop();
    }
  }

  private isWithinFailed(block: Circus.DescribeBlock): boolean {
    for (let outer: Circus.DescribeBlock | undefined = block; outer; outer = outer.parent) {
      if (this.blocks.has(outer)) return true;
    }
    return false;
  }
}

function testsOf(block: Circus.DescribeBlock): Circus.TestEntry[] {
  return block.children.flatMap((child) => (child.type === 'test' ? [child] : testsOf(child)));
}

function failOnce(tests: Circus.TestEntry[]): void {
  const [, ...others] = tests.filter(({ mode }) => mode !== 'skip' && mode !== 'todo');
  for (const other of others) {
    other.mode = 'skip';
    other.errors.length = 0;
  }
}
