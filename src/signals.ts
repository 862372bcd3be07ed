/** What the process does on a signal. This file imports no other file, so that it loads at once. */
import { constants } from 'node:os';

/** The signals by which process managers and terminals ask a process to end. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;
export type Signal = (typeof SIGNALS)[number];

const exitImmediately = (signal: Signal): never => process.exit(128 + constants.signals[signal]);

let handle: (signal: Signal) => void = exitImmediately;

/**
 * Exits at once on a signal, with exit code 128 + its number, until `onFirstSignal` is called.
 * The listeners are never replaced, so that no signal is lost. Without a listener, the kernel drops
 * signals to PID 1 of a container, and Node drops a signal that has come but is not handled yet.
 */
export function handleSignals(): void {
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      handle(signal);
    });
  }
}

/** Makes the next signal call `callback`. The process exits at once on the signal after that. */
export function onFirstSignal(callback: (signal: Signal) => void): void {
  handle = (signal) => {
    handle = exitImmediately;
    callback(signal);
  };
}
