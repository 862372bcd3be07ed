import { ClientDirectory } from '../../src/clients/client-directory.js';
import { listApiKeyClients } from '../../src/clients/client-list.js';
import { minutes } from '../../src/common/durations.js';
import { providersConfig } from '../../src/config/providers.config.js';
import type { InfobipAccountApi } from '../../src/providers/infobip/infobip.account-api.js';
import { InfobipCodeLengths } from '../../src/providers/infobip/infobip.code-lengths.js';
import { testEnvironment } from '../support/config.js';

describe('The length of the codes of a message template', () => {
  let template: object | undefined;
  let reads: number;
  let lengths: InfobipCodeLengths;

  beforeEach(() => {
    jest.useFakeTimers();
    template = { pinType: 'NUMERIC', pinLength: 4 };
    reads = 0;
    const find = async () => {
      reads += 1;
      if (!template) throw new Error('the host does not answer');
      return template;
    };
    const env = testEnvironment({ INFOBIP_MESSAGE_ID: 'message' });
    const api = { find } as unknown as InfobipAccountApi;
    const directory = new ClientDirectory(listApiKeyClients(env));
    lengths = new InfobipCodeLengths(api, providersConfig(env), directory);
    lengths.onApplicationBootstrap();
  });

  afterEach(() => {
    lengths.onModuleDestroy();
    jest.useRealTimers();
  });

  const getLengthAfter = async (ms: number) => {
    await jest.advanceTimersByTimeAsync(ms);
    return lengths.find('message');
  };

  it('is read at the start, and follows a change within a minute', async () => {
    expect(await getLengthAfter(0)).toBe(4);

    template = { pinType: 'NUMERIC', pinLength: 6 };
    expect(await getLengthAfter(minutes(1) - 1)).toBe(4);
    expect(await getLengthAfter(1)).toBe(6);
  });

  it('is not known while the template cannot be read', async () => {
    await getLengthAfter(0);
    template = undefined;
    expect(await getLengthAfter(minutes(1))).toBeUndefined();

    template = { pinType: 'NUMERIC', pinLength: 4 };
    expect(await getLengthAfter(minutes(1))).toBe(4);
  });

  it('is not read any more after the end of the service', async () => {
    await getLengthAfter(0);
    lengths.onModuleDestroy();

    await getLengthAfter(minutes(5));
    expect(reads).toBe(1);
  });
});
