import { relative } from 'node:path';
import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';
import type { Circus } from '@jest/types';
import { TestEnvironment as NodeEnvironment } from 'jest-environment-node';
import { SEED_OF_FILE } from '../seed';
import { scaleTimeLimit } from '../time-scale';
import { HookFailureHandler } from './hook-failure-handler';
import { Leftovers } from './leftovers';

/**
 * The jest environment of every spec file. It scales time limits to the machine, lets a failed
 * `beforeAll` fail only one test, and closes what a failed test left open, so that jest exits.
 */
export default class TestEnvironment extends NodeEnvironment {
  private readonly leftovers = new Leftovers();
  private readonly hookFailureHandler = new HookFailureHandler();
  /** The hooks and tests whose time limit is already scaled. */
  private readonly scaled = new Set<object>();
  private readonly path: string;
  private hasFailed = false;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    this.path = relative(config.globalConfig.rootDir, context.testPath);
  }

  override async setup(): Promise<void> {
    await super.setup();
    this.leftovers.watch();
  }

  handleTestEvent(event: Circus.AsyncEvent | Circus.SyncEvent, state: Circus.State): void {
    if (event.name === 'run_start') state.testTimeout = scaleTimeLimit(state.testTimeout);
    if (event.name === 'hook_start') this.scaleLimit(event.hook);
    if (event.name === 'test_start') this.scaleLimit(event.test);
    if (event.name === 'hook_failure') this.hookFailureHandler.handle(event, state);
    if (event.name === 'test_done' && event.test.errors.length > 0) this.hasFailed = true;
  }

  override async teardown(): Promise<void> {
    const seed: unknown = this.global[SEED_OF_FILE];
    if (this.hasFailed && typeof seed === 'string') {
      process.stderr.write(`Replay: SEED='${seed}' npx jest ${this.path}\n`);
    }
    await this.leftovers.close();
    await super.teardown();
  }

  /** Scales the time limit of a hook or test, but only once, because a hook may run many times. */
  private scaleLimit(hookOrTest: { timeout?: number | null | undefined }): void {
    if (typeof hookOrTest.timeout !== 'number' || this.scaled.has(hookOrTest)) return;
    this.scaled.add(hookOrTest);
    hookOrTest.timeout = scaleTimeLimit(hookOrTest.timeout);
  }
}
