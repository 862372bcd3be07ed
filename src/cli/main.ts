#!/usr/bin/env node
import 'reflect-metadata';
import type { CliCommand } from './command.js';

/** The commands by name. The module of a command is loaded only if the command runs. */
const COMMANDS: Readonly<Record<string, () => Promise<CliCommand>>> = {
  doctor: async () => (await import('./doctor.js')).doctor,
  'infobip:setup': async () => (await import('./infobip-setup.js')).infobipSetup,
  'keys:new': async () => (await import('./keys-new.js')).keysNew,
  'proof:new': async () => (await import('./proof-new.js')).proofNew,
  'pumping:replay': async () => (await import('./pumping-replay.js')).pumpingReplay,
  usage: async () => (await import('./usage.js')).usage,
};

const USAGE = `Usage: otp <command> [options]

  doctor          compares the provider accounts with the settings
  infobip:setup   creates or updates the 2FA application and message template at Infobip
  keys:new        makes an API key for a client
  proof:new       makes a key that signs proofs of verified numbers
  pumping:replay  tries settings of the fraud protection on the recorded verifications
  usage           reports sends, verifications and costs by client and country

otp <command> --help describes a command.`;

const [name = '', ...args] = process.argv.slice(2);
const loadCommand = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (loadCommand) {
  const command = await loadCommand();
  process.exitCode = await command(args);
} else if (name === '--help') {
  console.log(USAGE);
} else {
  console.error(`${name === '' ? 'No command given' : `Unknown command: ${name}`}\n\n${USAGE}`);
  process.exitCode = 2;
}
