import fc from 'fast-check';
import { minutes, seconds } from '../../src/common/durations.js';
import {
  applyInAnyOrder,
  applyReport,
  INFOBIP_MEANINGS,
  type ModelStatus,
} from '../support/delivery-model.js';
import {
  startReportingSandbox,
  REPORT_TOKEN,
  type ReportingSandbox,
} from '../support/reporting-sandbox.js';
import { SERVICE_DATABASES } from '../support/service-databases.js';

const RUNS = 20;

const status = fc.constantFrom(...Object.keys(INFOBIP_MEANINGS));
/** `message`: which one, counted from the newest. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('report' as const), status, message: fc.nat(2) }),
  },
  // In one request, in this order.
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('batch' as const),
      statuses: fc.array(status, { maxLength: 4 }),
    }),
  },
  // At the same time, to two replicas.
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('together' as const),
      statuses: fc.array(status, { minLength: 2, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('resend' as const), early: fc.option(status) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('expire' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A message, and the statuses that it may have. */
interface ModelMessage {
  readonly messageId: string;
  possible: ModelStatus[];
}

describe.each(SERVICE_DATABASES)('The delivery of a message, on %s', (_engine, createDatabase) => {
  let sandbox: ReportingSandbox;

  beforeAll(async () => {
    const withoutHmac = { INFOBIP_REPORT_HMAC_SECRET: '', INFOBIP_REPORT_HMAC_HEADER: '' };
    const settings = { ...(await createDatabase()), ...withoutHmac, SEND_COOLDOWN: '1s' };
    sandbox = await startReportingSandbox('infobip', settings, 2);
  });

  afterAll(() => sandbox.close());

  it('follows the rules after any reports, in any order', async () => {
    const run = fc.record({ early: fc.option(status), steps: fc.array(step, { maxLength: 8 }) });
    await fc.assert(
      fc.asyncProperty(run, async ({ early, steps }) => {
        await runSteps(early, steps);
      }),
      { numRuns: RUNS },
    );
  });

  async function runSteps(early: string | null, steps: readonly Step[]): Promise<void> {
    await planReport(early);
    const { pinId, messageId } = await sandbox.send(sandbox.createNumber());
    await sandbox.cleanUp();
    const messages = [createMessage(messageId, early)];
    let hasExpired = false;
    await expectDelivery(pinId, messages, hasExpired);
    for (const each of steps) {
      if (each.type === 'expire') {
        sandbox.clock.advance(minutes(5));
        hasExpired = true;
      } else if (each.type !== 'resend') {
        await report(messages, each);
      } else if (!hasExpired) {
        sandbox.clock.advance(seconds(1));
        await planReport(each.early);
        messages.unshift(createMessage((await sandbox.resend(pinId)).messageId, each.early));
        await sandbox.cleanUp();
      }
      await expectDelivery(pinId, messages, hasExpired);
    }
  }

  /** The next message is reported before the response to its send, or not at all. */
  const planReport = (early: string | null) =>
    sandbox.planReport(early === null ? { kind: 'lost' } : { kind: 'early', status: early });

  /** Reports, and applies the reports to the model. */
  async function report(
    messages: readonly ModelMessage[],
    reports: Exclude<Step, { type: 'resend' | 'expire' }>,
  ): Promise<void> {
    const message = messages[reports.type === 'report' ? reports.message % messages.length : 0];
    if (!message) return;
    const { messageId } = message;
    if (reports.type === 'report') {
      expect(await sandbox.report(messageId, { status: reports.status })).toBe(200);
      message.possible = message.possible.map((old) => applyReport(old, toMeaning(reports.status)));
      return;
    }
    const meanings = reports.statuses.map(toMeaning);
    const entries = reports.statuses.map((name) => ({ messageId, status: { name } }));
    if (reports.type === 'batch') {
      expect(await post(0, entries)).toBe(200);
      message.possible = message.possible.map((old) => meanings.reduce(applyReport, old));
      return;
    }
    const responses = await Promise.all(entries.map((entry, index) => post(index % 2, [entry])));
    expect(new Set(responses)).toEqual(new Set([200]));
    message.possible = applyInAnyOrder(message.possible, meanings);
  }

  const post = (replica: number, results: object[]) =>
    sandbox.postToReplica(replica, { results }, { 'x-delivery-token': REPORT_TOKEN });

  /** Compares the newest message with the model, which then knows its status. */
  async function expectDelivery(
    pinId: string,
    [newest]: readonly ModelMessage[],
    hasExpired: boolean,
  ): Promise<void> {
    const delivery = (await sandbox.getDelivery(pinId)) as { status: string; reason?: ModelStatus };
    const seen = delivery.reason ?? (delivery.status as ModelStatus);
    const matching = newest?.possible.filter(
      (possible) => (possible === 'pending' && hasExpired ? 'unknown' : possible) === seen,
    );
    if (!newest || !matching?.length)
      throw new Error(`${seen} is none of ${String(newest?.possible)}`);
    newest.possible = matching;
  }
});

const toMeaning = (name: string): ModelStatus => INFOBIP_MEANINGS[name] ?? 'unknown';

const createMessage = (messageId: string, early: string | null): ModelMessage => ({
  messageId,
  possible: [early === null ? 'pending' : toMeaning(early)],
});
