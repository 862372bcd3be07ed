// Starts the server and Vite, which reloads the page on every change. Ends both together.
import { spawn } from 'node:child_process';

const children = [
  ['tsc', ['-p', 'server', '--watch', '--preserveWatchOutput']],
  ['node', ['--watch', 'dist/server/main.js']],
  ['vite', []],
].map(([command, args]) => spawn(command, args, { stdio: 'inherit', shell: true }));

children.forEach((child) => {
  child.once('exit', (code) => {
    children.forEach((each) => each.kill());
    process.exit(code ?? 0);
  });
});
