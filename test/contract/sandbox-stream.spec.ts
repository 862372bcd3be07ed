import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { startTestSandbox, PHONE_NUMBER, type TestSandbox } from '../support/sandbox.js';
import { scaleTimeLimit } from '../support/time-scale.js';

const OTHER_NUMBER = '41793026728';

/** A client that reads Server-Sent Events. */
interface StreamReader {
  readonly response: IncomingMessage;
  /** Waits until `count` events have arrived. @returns all events so far */
  waitForEvents(count: number): Promise<{ id: string; data: { to: string; pinId: string } }[]>;
  stop(): void;
}

async function openReader(
  url: string,
  headers: Record<string, string> = {},
): Promise<StreamReader> {
  const request: ClientRequest = get(url, { headers, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const parseEvents = () =>
    [...text.matchAll(/^id: (\d+)\ndata: (.+)\n\n/gm)].map(([, id = '', data = '']) => ({
      id,
      data: JSON.parse(data),
    }));
  return {
    response,
    waitForEvents: async (count) => {
      while (parseEvents().length < count) await once(response, 'data');
      return parseEvents();
    },
    stop: () => request.destroy(),
  };
}

describe('The message stream of the sandbox', () => {
  let sandbox: TestSandbox;
  let path: string;
  let isClosed: boolean;

  const start = async () => {
    sandbox = await startTestSandbox({ hasFloodFilter: false });
    path = `${sandbox.url}/sandbox/messages/stream`;
  };

  beforeEach(async () => {
    isClosed = false;
    await start();
  });

  afterEach(async () => {
    if (!isClosed) await sandbox.close();
  });

  /** The ids of all messages, oldest first. */
  const readIds = async (count: number): Promise<string[]> => {
    const reader = await openReader(`${path}?after=0`);
    return (await reader.waitForEvents(count)).map(({ id }) => id);
  };

  it('sends each message as it arrives, in the form of the message list', async () => {
    const reader = await openReader(path);
    await sandbox.send(PHONE_NUMBER);
    await sandbox.send(OTHER_NUMBER);

    const events = await reader.waitForEvents(2);

    expect(events.map(({ id }) => id)).toEqual(await readIds(2));
    expect(events[1]?.id).not.toBe(events[0]?.id);
    expect(events.map(({ data }) => data)).toEqual((await sandbox.listMessages()).reverse());
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'access-control-allow-origin': '*',
    });
  });

  it('sends the messages of one phone number only, however it is written', async () => {
    const reader = await openReader(`${path}?to=${encodeURIComponent('+41 79 302 67 27')}`);
    await sandbox.send(OTHER_NUMBER);
    await sandbox.send(PHONE_NUMBER);
    await sandbox.send(OTHER_NUMBER);
    await sandbox.send(PHONE_NUMBER);

    const ids = await readIds(4);
    expect((await reader.waitForEvents(2)).map(({ id, data }) => [id, data.to])).toEqual([
      [ids[1], PHONE_NUMBER],
      [ids[3], PHONE_NUMBER],
    ]);
  });

  it('sends the missed messages first to a client with Last-Event-ID', async () => {
    for (const to of [PHONE_NUMBER, OTHER_NUMBER, PHONE_NUMBER]) await sandbox.send(to);

    const [first = '', ...missed] = await readIds(3);

    const reader = await openReader(path, { 'last-event-id': first });

    expect((await reader.waitForEvents(2)).map(({ id }) => id)).toEqual(missed);
  });

  it('sends all earlier messages first with after=0, unless the client has a Last-Event-ID', async () => {
    for (const to of [PHONE_NUMBER, OTHER_NUMBER, PHONE_NUMBER]) await sandbox.send(to);

    const all = await openReader(`${path}?after=0`);
    const [first, second = '', third] = (await all.waitForEvents(3)).map(({ id }) => id);
    const ofOne = await openReader(`${path}?after=0&to=${PHONE_NUMBER}`);
    const reconnected = await openReader(`${path}?after=0`, { 'last-event-id': second });

    expect((await ofOne.waitForEvents(2)).map(({ id }) => id)).toEqual([first, third]);
    expect((await reconnected.waitForEvents(1)).map(({ id }) => id)).toEqual([third]);
  });

  it('sends all messages to a client whose Last-Event-ID is from before a restart', async () => {
    await sandbox.send(PHONE_NUMBER);
    const [id = ''] = await readIds(1);
    await sandbox.close();
    await start();
    for (const to of [OTHER_NUMBER, PHONE_NUMBER]) await sandbox.send(to);

    const reader = await openReader(path, { 'last-event-id': id });

    const events = await reader.waitForEvents(2);
    expect(events.map(({ data }) => data.to)).toEqual([OTHER_NUMBER, PHONE_NUMBER]);
  });

  it.each(['-1', '1.5', 'first'])('rejects after=%s', async (after) => {
    const { status, body } = await sandbox.anonymousHttp.get(
      `/sandbox/messages/stream?after=${after}`,
    );

    expect(status).toBe(400);
    expect(Object.keys(body.fields)).toEqual(['after']);
  });

  it('sends megabytes of missed messages without a gap, and then the next one', async () => {
    const applicationId = await sandbox.createApplication({ sendPinPerPhoneNumberLimit: '900/1d' });
    const messageText = `{{pin}} ${'x'.repeat(15_000)}`;
    const messageId = await sandbox.createTemplate(applicationId, { messageText });
    for (let sent = 0; sent < 200; sent += 1)
      await sandbox.send(PHONE_NUMBER, { applicationId, messageId }).expect(200);

    const reader = await openReader(path, { 'last-event-id': '0' });
    await reader.waitForEvents(200);
    await sandbox.send(OTHER_NUMBER);

    const numbers = (await reader.waitForEvents(201)).map(({ id }) => Number(id));
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  });

  it('ends at once when the sandbox closes, as does a call with the fault hang', async () => {
    const readers = await Promise.all([openReader(path), openReader(path)]);
    const ends = readers.map(({ response }) => once(response, 'end'));
    await sandbox.callControl('put', 'faults', { operation: 'send', kind: 'hang' });
    const hanging = sandbox.send(PHONE_NUMBER).then(
      () => 'answered',
      () => 'disconnected',
    );
    // The fault is used up once the send has arrived.
    while ((await sandbox.anonymousHttp.get('/sandbox/faults')).body.length > 0);
    const startedAt = performance.now();

    isClosed = true;
    await sandbox.close();

    await Promise.all(ends);
    expect(await hanging).toBe('disconnected');
    expect(performance.now() - startedAt).toBeLessThan(scaleTimeLimit(1_000));
  });

  it('accepts a hundred clients, and one more after a client disconnects', async () => {
    const readers = await Promise.all(Array.from({ length: 100 }, () => openReader(path)));
    expect(new Set(readers.map(({ response }) => response.statusCode))).toEqual(new Set([200]));
    const rejected = await openReader(path);
    expect(rejected.response.statusCode).toBe(503);

    readers[0]?.stop();

    let reader = await openReader(path);
    while (reader.response.statusCode !== 200) reader = await openReader(path);
    await sandbox.send(PHONE_NUMBER);
    expect(await reader.waitForEvents(1)).toHaveLength(1);
  });
});
