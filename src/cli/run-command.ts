/** How a command ends: 0 all is well, 1 something is wrong, 2 it was not called properly. */
export type ExitCode = 0 | 1 | 2;

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Runs a command to its exit code; what it throws is told in one line.
 * @param usage is printed where the command line cannot be understood.
 */
export async function runCommand(usage: string, command: () => Promise<ExitCode>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    console.error((error as Error).message);
    const misused = error instanceof UsageError;
    if (misused) console.error(`\n${usage}`);
    process.exitCode = misused ? 2 : 1;
  }
}
