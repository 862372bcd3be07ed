import { MAGIC_AREA_CODES } from '../../src/sandbox/faults/magic-numbers.js';

/** The page's files are JavaScript, without types. */
const PAGE_FILE = ['../../src/demo/page', 'examples.js'].join('/');

/** What the sandbox does for each example, by the outcome that the page describes. */
const SCENARIOS: Readonly<Record<string, (typeof MAGIC_AREA_CODES)[number]>> = {
  'The phone cannot be reached': {
    operations: ['send', 'resend'],
    fault: { kind: 'unreachable' },
  },
  'The message takes two seconds': { operations: ['send', 'resend'], fault: { kind: 'slow' } },
  'The message arrives unconfirmed': {
    operations: ['send', 'resend'],
    fault: { kind: 'drop', performed: true },
  },
  'The message provider fails': {
    operations: ['send', 'resend'],
    fault: { kind: 'server-error' },
  },
  'The code arrives expired': { operations: ['send'], fault: { kind: 'expired' } },
  'Even the right code is rejected': {
    operations: ['verify'],
    fault: { kind: 'exhausted' },
  },
  'The answer to the code is lost': {
    operations: ['verify'],
    fault: { kind: 'drop', performed: true },
  },
};

describe('The numbers that the demo page offers', () => {
  it('do in the sandbox what the page says', async () => {
    const { EXAMPLES } = (await import(PAGE_FILE)) as {
      EXAMPLES: readonly { areaCode: number; outcome: string }[];
    };
    // Area code 900 never reaches the sandbox: the service blocks premium-rate numbers.
    const ofSandbox = EXAMPLES.filter(({ areaCode }) => areaCode !== 900);

    expect(ofSandbox.map(({ outcome }) => outcome)).toEqual(Object.keys(SCENARIOS));
    for (const { areaCode, outcome } of ofSandbox)
      expect([outcome, MAGIC_AREA_CODES[areaCode]]).toEqual([outcome, SCENARIOS[outcome]]);
  });
});
