import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { startTestSandbox, TO, type TestSandbox } from '../support/sandbox.js';

const OTHER = '41793026728';

/** A reader of Server-Sent Events. */
interface Reader {
  readonly response: IncomingMessage;
  /** Resolves as soon as that many events have come, with their ids and data. */
  events(count: number): Promise<{ id: string; data: { to: string; pinId: string } }[]>;
  stop(): void;
}

async function read(url: string, headers: Record<string, string> = {}): Promise<Reader> {
  const request: ClientRequest = get(url, { headers, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const events = () =>
    [...text.matchAll(/^id: (\d+)\ndata: (.+)\n\n/gm)].map(([, id = '', data = '']) => ({
      id,
      data: JSON.parse(data),
    }));
  return {
    response,
    events: async (count) => {
      while (events().length < count) await once(response, 'data');
      return events();
    },
    stop: () => request.destroy(),
  };
}

describe('The stream of texts of the sandbox', () => {
  let sandbox: TestSandbox;
  let path: string;
  let closed: boolean;

  beforeEach(async () => {
    closed = false;
    sandbox = await startTestSandbox();
    path = `${sandbox.url}/sandbox/messages/stream`;
  });

  afterEach(async () => {
    if (!closed) await sandbox.close();
  });

  it('tells of each text as it arrives, as the list shows it', async () => {
    const reader = await read(path);
    await sandbox.send(TO);
    await sandbox.send(OTHER);

    const events = await reader.events(2);

    expect(events.map(({ id }) => id)).toEqual(['1', '2']);
    expect(events.map(({ data }) => data)).toEqual((await sandbox.inbox()).reverse());
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'access-control-allow-origin': '*',
    });
  });

  it('tells of one phone alone, however its number is written', async () => {
    const reader = await read(`${path}?to=${encodeURIComponent('+41 79 302 67 27')}`);
    await sandbox.send(OTHER);
    await sandbox.send(TO);
    await sandbox.send(OTHER);
    await sandbox.send(TO);

    expect((await reader.events(2)).map(({ id, data }) => [id, data.to])).toEqual([
      ['2', TO],
      ['4', TO],
    ]);
  });

  it('tells a reader that comes back what it missed', async () => {
    for (const to of [TO, OTHER, TO]) await sandbox.send(to);

    const reader = await read(path, { 'last-event-id': '1' });

    expect((await reader.events(2)).map(({ id }) => id)).toEqual(['2', '3']);
  });

  it('tells a reader that missed megabytes of texts all of them, and then the next', async () => {
    const applicationId = await sandbox.createApplication({ sendPinPerPhoneNumberLimit: '900/1d' });
    const messageText = `{{pin}} ${'x'.repeat(15_000)}`;
    const messageId = await sandbox.createTemplate(applicationId, { messageText });
    for (let sent = 0; sent < 200; sent += 1)
      await sandbox.send(TO, { applicationId, messageId }).expect(200);

    const reader = await read(path, { 'last-event-id': '0' });
    await reader.events(200);
    await sandbox.send(OTHER);

    expect((await reader.events(201)).map(({ id }) => Number(id))).toEqual(
      Array.from({ length: 201 }, (_, index) => index + 1),
    );
  });

  it('ends at once when the sandbox closes, and so does a call that hangs', async () => {
    const readers = await Promise.all([read(path), read(path)]);
    const ends = readers.map(({ response }) => once(response, 'end'));
    await sandbox.control('put', 'faults', { operation: 'send', kind: 'hang' });
    const hanging = sandbox.send(TO).then(
      () => 'answered',
      () => 'cut',
    );
    // Taken, so the send has arrived.
    while ((await sandbox.open.get('/sandbox/faults')).body.length > 0);
    const started = performance.now();

    closed = true;
    await sandbox.close();

    await Promise.all(ends);
    expect(await hanging).toBe('cut');
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('has room for a hundred readers, and again once one leaves', async () => {
    const readers = await Promise.all(Array.from({ length: 100 }, () => read(path)));
    const refused = await read(path);
    expect(refused.response.statusCode).toBe(503);

    readers[0]?.stop();

    let reader = await read(path);
    while (reader.response.statusCode !== 200) reader = await read(path);
    await sandbox.send(TO);
    expect(await reader.events(1)).toHaveLength(1);
  });
});
