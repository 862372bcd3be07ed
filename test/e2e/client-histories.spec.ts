import { createOtpClient } from '../../client/src/index.js';
import { newApiKey } from '../support/api-key.js';
import { callClient, describeOutcome, expectedOutcome } from '../support/client/client-outcome.js';
import { fakeClientTimers, settle } from '../support/client/fake-timers.js';
import { createRealHistory, type ClientHistory } from '../support/client/history.js';
import { LossyService } from '../support/client/lossy-service.js';
import { ServiceModel } from '../support/client/service-model.js';
import { seedOfFile } from '../support/seed.js';
import { SeededRandom } from '../support/seeded-random.js';

const HISTORIES = 60;
const random = new SeededRandom(seedOfFile());

describe('The TypeScript client, with the real service behind a lossy proxy,', () => {
  let service: LossyService;

  beforeAll(async () => {
    service = await LossyService.start(newApiKey('shop'));
    await service.warmUp();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  afterAll(() => service.close());

  /** Makes one call of the client to the real service. A proxy applies the history's fates. */
  async function runOnService(history: ClientHistory) {
    const subject =
      history.operation === 'send'
        ? { phoneNumber: service.newNumber(), pinId: '', rightCode: '', wrongCode: '' }
        : await service.createVerification();
    const client = service.createClient(history.fates);
    const messagesBefore = (await service.getReceivedCodes(subject.phoneNumber)).length;
    const call = callClient(client, history.operation, subject);
    const outcome = describeOutcome(await settle(call, service.isBusy));
    const codes = await service.getReceivedCodes(subject.phoneNumber);
    return { outcome, messages: codes.length - messagesBefore, statuses: service.statuses };
  }

  /** Makes the same call to the model of the service, and checks the outcome of the call. */
  async function runOnModel({ operation, fates }: ClientHistory) {
    const subject = {
      phoneNumber: '+14155552671',
      pinId: 'p',
      rightCode: '1234',
      wrongCode: '4321',
    };
    const model = new ServiceModel(fates, subject.rightCode);
    const client = createOtpClient({ url: 'http://otp.test', fetch: model.fetch });
    const outcome = describeOutcome(await settle(callClient(client, operation, subject)));
    expect({ fates, outcome }).toEqual({
      fates,
      outcome: expectedOutcome(operation, model.lostAnswers),
    });
    return { outcome, messages: model.messages, statuses: model.statuses };
  }

  it(`gets the outcome, messages and statuses that the model predicts, in ${HISTORIES} histories of lost requests and answers`, async () => {
    fakeClientTimers();
    for (let n = 1; n <= HISTORIES; n += 1) {
      const history = createRealHistory(random.for(`history ${n}`));

      expect({ history, ...(await runOnService(history)) }).toEqual({
        history,
        ...(await runOnModel(history)),
      });
    }
  });
});
