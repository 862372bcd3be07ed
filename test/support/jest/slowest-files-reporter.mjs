import { relative } from 'node:path';
import { stderr } from 'node:process';

/** With fewer files, jest's own output is enough. */
const MIN_FILES = 10;

/** Prints how long each spec file took, slowest first. */
export default class SlowestFilesReporter {
  constructor({ rootDir }) {
    this.rootDir = rootDir;
  }

  onRunComplete(_contexts, { testResults }) {
    if (testResults.length < MIN_FILES) return;
    const lines = testResults
      .map(({ testFilePath, perfStats }) => ({
        path: relative(this.rootDir, testFilePath),
        seconds: (perfStats.end - perfStats.start) / 1000,
      }))
      .sort((a, b) => b.seconds - a.seconds)
      .map(({ path, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${path}`);
    stderr.write(`\nTime of each file, slowest first:\n${lines.join('\n')}\n`);
  }
}
