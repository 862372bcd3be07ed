import { createOtpClient } from '../../client/src/index.js';
import {
  callClient,
  expectedOutcome,
  sendsMessage,
  describeOutcome,
  type HistorySubject,
} from '../support/client/client-outcome.js';
import { fakeClientTimers, settle } from '../support/client/fake-timers.js';
import { createHistory, createLongHistory, type ClientHistory } from '../support/client/history.js';
import { PIN_ID, ServiceModel } from '../support/client/service-model.js';
import { seedOfFile } from '../support/seed.js';
import { SeededRandom } from '../support/seeded-random.js';

const SUBJECT: HistorySubject = {
  phoneNumber: '+14155552671',
  pinId: PIN_ID,
  rightCode: '123456',
  wrongCode: '654321',
};
const random = new SeededRandom(seedOfFile());

/** The first and last history of each part: together 10,000. */
const PARTS = Array.from({ length: 10 }, (_, i) => [i * 1_000 + 1, (i + 1) * 1_000] as const);

/** Whether a repeat cannot change the outcome: a message that may have been sent is not sent again. */
const isFinal = ({ operation }: ClientHistory, outcome: object): boolean =>
  !('error' in outcome) || (sendsMessage(operation) && outcome.error === 'provider_timeout');

function expectExactlyOnce(history: ClientHistory, model: ServiceModel, outcome: object): void {
  const messages = sendsMessage(history.operation) ? 1 : 0;
  expect({ history, outcome, messages: model.messages }).toEqual({
    history,
    outcome: expectedOutcome(history.operation, model.lostAnswers),
    messages,
  });
}

describe('The TypeScript client neither sends twice nor misses a verified code', () => {
  beforeEach(fakeClientTimers);

  afterEach(() => {
    jest.useRealTimers();
  });

  // In parts, so that a busy machine finishes each in time.
  it.each(PARTS)(
    'in random histories of broken connections, 409, 502, 503 and 504: %i to %i',
    async (first, last) => {
      for (let n = first; n <= last; n += 1) {
        const history = createHistory(random.for(`history ${n}`));
        const model = new ServiceModel(history.fates, SUBJECT.rightCode);
        const client = createOtpClient({ url: 'http://otp.test', fetch: model.fetch });

        const outcome = await settle(callClient(client, history.operation, SUBJECT));

        expectExactlyOnce(history, model, describeOutcome(outcome));
      }
    },
  );

  it('if calls that fail are repeated with the same key of the caller', async () => {
    let failures = 0;
    for (let n = 1; n <= 1_000; n += 1) {
      const history = createLongHistory(random.for(`long history ${n}`));
      const model = new ServiceModel(history.fates, SUBJECT.rightCode);
      const client = createOtpClient({ url: 'http://otp.test', fetch: model.fetch });
      const call = async () =>
        describeOutcome(await settle(callClient(client, history.operation, SUBJECT, 'a key')));

      let outcome = await call();
      // Bounded, so that a client that never succeeds fails the test.
      for (let left = 20; left > 0 && !isFinal(history, outcome); left -= 1) {
        failures += 1;
        outcome = await call();
      }

      expectExactlyOnce(history, model, outcome);
    }
    expect(failures).toBeGreaterThan(100);
  });
});
