import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ClientsFileReader } from '../../src/clients/clients-file-reader.js';
import { createClientAgent } from '../support/api-key.js';
import { newHashedKey, TestClientsFile } from '../support/clients-file.js';
import { scrape, total } from '../support/metrics.js';
import { expectProblem } from '../support/problem.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

const shop = newHashedKey();
const newShopKey = newHashedKey();
const bank = newHashedKey();

describe('A service with CLIENTS_FILE', () => {
  let file: TestClientsFile;
  let service: SandboxedService | undefined;

  beforeEach(() => {
    file = new TestClientsFile();
    file.write({ shop: { keys: [shop.hash] }, bank: { keys: [bank.hash] } });
  });

  afterEach(async () => {
    await service?.close();
    service = undefined;
    file.remove();
  });

  const start = async (settings: NodeJS.ProcessEnv = {}) => {
    service = await startSandboxedService({ CLIENTS_FILE: file.path, ...settings });
    return service;
  };

  /** 401 if the key is rejected; 404 if it is accepted, because no verification has this id. */
  const getStatus = async ({ key }: { key: string }) => {
    const { status } = await createClientAgent(service?.url ?? '', key).get('/otp/x');
    return status;
  };

  const readFile = () => service?.app.get(ClientsFileReader).read();

  /** A change takes effect once two reads have the same content. The service reads every second. */
  const applyChanges = async () => {
    await readFile();
    await readFile();
  };

  const scrapeAll = () => scrape(service?.url ?? '');

  it('accepts the keys of the file, and no others', async () => {
    await start();

    expect([await getStatus(shop), await getStatus(bank)]).toEqual([404, 404]);
    expect(await getStatus(newHashedKey())).toBe(401);
    expectProblem((await service?.http.get('/otp/x')) as never, 401, 'unauthenticated');
  });

  it('reads JSON as well as YAML', async () => {
    file.writeText(JSON.stringify({ clients: { shop: { keys: [shop.hash] } } }, null, '\t'));
    await start();

    expect([await getStatus(shop), await getStatus(bank)]).toEqual([404, 401]);
  });

  it('rejects a stolen key without a restart, and accepts the new one of its client', async () => {
    const { http } = await start();
    const { body } = await createClientAgent(service?.url ?? '', shop.key)
      .post('/otp/send')
      .send({ phoneNumber: '+14155552671' })
      .expect(200);

    file.write({ shop: { keys: [newShopKey.hash] }, bank: { keys: [bank.hash] } });
    await applyChanges();

    expect(await getStatus(shop)).toBe(401);
    expect(await getStatus(bank)).toBe(404);
    await http
      .get(`/otp/${body.pinId as string}`)
      .set('authorization', `Bearer ${newShopKey.key}`)
      .expect(200);
  });

  it('rejects a client while it has no keys, and accepts it again when it has one', async () => {
    await start();
    file.write({ shop: { keys: [] }, bank: { keys: [bank.hash] } });
    await applyChanges();
    expect(await getStatus(shop)).toBe(401);

    file.write({ shop: { keys: [shop.hash] }, bank: { keys: [bank.hash] } });
    await applyChanges();
    expect(await getStatus(shop)).toBe(404);
  });

  it('reads the file by itself, within seconds', async () => {
    const { log } = await start();
    const changed = log.next((line) => line.includes('client rules changed'));

    file.write({ shop: { keys: [shop.hash] } });
    await changed;

    expect(await getStatus(bank)).toBe(401);
  });

  it('follows the links of a secret that Kubernetes mounts', async () => {
    const mountVersion = (name: string, clients: object) => {
      const version = join(file.folder, name);
      mkdirSync(version);
      writeFileSync(join(version, 'clients.yaml'), stringify({ clients }));
      symlinkSync(name, join(file.folder, '..next'));
      renameSync(join(file.folder, '..next'), join(file.folder, '..data'));
    };
    rmSync(file.path);
    mountVersion('..1', { shop: { keys: [shop.hash] } });
    symlinkSync(join('..data', 'clients.yaml'), file.path);
    await start();
    expect([await getStatus(shop), await getStatus(bank)]).toEqual([404, 401]);

    mountVersion('..2', { bank: { keys: [bank.hash] } });
    rmSync(join(file.folder, '..1'), { recursive: true });
    await applyChanges();

    expect([await getStatus(shop), await getStatus(bank)]).toEqual([401, 404]);
  });

  it('uses a change only after two reads with the same content, so that it uses no half-written file', async () => {
    await start();
    file.write({ shop: { keys: [shop.hash] } });
    await readFile();
    expect(await getStatus(bank)).toBe(404);

    file.write({ shop: { keys: [shop.hash] }, bank: { keys: [bank.hash] } });
    await readFile();
    await readFile();
    expect(await getStatus(bank)).toBe(404);
  });

  it.each([
    ['is no YAML', () => `clients: {shop: ${bank.hash}`],
    ['has an unknown field', () => stringify({ clients: { shop: { keys: [], kees: [] } } })],
    ['has no client', () => 'clients: {}\n'],
    ['is empty', () => ''],
  ])('changes nothing while the file %s, and logs one error', async (_error, createText) => {
    const { log } = await start({ METRICS_PUBLIC: 'true' });
    expect(total(await scrapeAll(), 'otp_clients_file_valid')).toBe(1);
    const linesBefore = log.lines.length;

    file.writeText(createText());
    await applyChanges();
    await applyChanges();

    expect([await getStatus(shop), await getStatus(bank)]).toEqual([404, 404]);
    expect(total(await scrapeAll(), 'otp_clients_file_valid')).toBe(0);
    const errors = log.lines.slice(linesBefore).filter((line) => line.includes('CLIENTS_FILE'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('"level":"error"');
    expect(errors[0]).toContain('stay as they are');
    expect(log.text).not.toContain(bank.hash);
  });

  it('keeps its clients while the file is missing, and uses the file again when it is back', async () => {
    const { log } = await start({ METRICS_PUBLIC: 'true' });
    rmSync(file.path);
    await applyChanges();
    expect(await getStatus(bank)).toBe(404);
    expect(log.text).toContain('it does not exist (ENOENT)');
    expect(log.text).not.toContain(file.folder);

    file.write({ shop: { keys: [shop.hash] } });
    await applyChanges();
    expect(await getStatus(bank)).toBe(401);
    expect(total(await scrapeAll(), 'otp_clients_file_valid')).toBe(1);
    expect(log.text).toContain('The file CLIENTS_FILE can be used again.');
  });

  it('logs what changed for each client, without the keys', async () => {
    const { log } = await start();
    file.write({
      shop: { keys: [shop.hash, newShopKey.hash], otpTtl: '2m', allowedCountries: ['DE', 'AT'] },
      news: { keys: [], trustedPrefixes: ['+14155552671'] },
    });
    await applyChanges();

    const changes = log
      .events('client rules changed')
      .map(({ kind, action, outcome, client, change, differences }) => {
        expect({ kind, action, outcome }).toEqual({
          kind: 'audit',
          action: 'change_rules',
          outcome: 'done',
        });
        return { client, change, differences };
      });
    expect(changes).toEqual([
      {
        client: 'shop',
        change: 'changed',
        differences: ['keys: 1 added', 'allowedCountries: default → DE,AT', 'otpTtl: default → 2m'],
      },
      { client: 'bank', change: 'removed', differences: [] },
      { client: 'news', change: 'added', differences: ['trustedPrefixes changed'] },
    ]);
    expect(log.text).not.toContain('4155552671');
    for (const { hash } of [shop, newShopKey, bank]) expect(log.text).not.toContain(hash);
  });

  it('counts the requests of a client that is added while the service runs', async () => {
    const news = newHashedKey();
    await start({ METRICS_PUBLIC: 'true' });
    file.write({ news: { keys: [news.hash] } });
    await applyChanges();
    await getStatus(news);

    const requests = total(await scrapeAll(), 'otp_client_requests_total', { client: 'news' });
    expect(requests).toBe(1);
  });

  it('warns if the file has no METRICS_CLIENT, and lets no other client read the metrics', async () => {
    const { log, http } = await start({ METRICS_CLIENT: 'prometheus' });

    expect(log.text).toContain('METRICS_CLIENT is no client in CLIENTS_FILE');
    await http.get('/metrics').set('authorization', `Bearer ${shop.key}`).expect(404);
  });

  it('does not start if a prefix is both blocked and trusted for a client, and does not show the prefix', async () => {
    const keys = [shop.hash];
    file.writeText(
      stringify({
        clients: {
          shop: { keys, blockedPrefixes: ['+4477'], trustedPrefixes: ['+44', '+4477'] },
          // The other list is that of the settings: BLOCKED_PREFIXES has this prefix.
          bank: { keys: [], trustedPrefixes: ['+14155552671'] },
          news: { keys: [], blockedPrefixes: [], trustedPrefixes: ['+1 415 555 2671'] },
        },
      }),
    );
    const error: unknown = await start({ BLOCKED_PREFIXES: '+14155552671' }).catch(
      (reason: unknown) => reason,
    );

    const clash =
      'must not have the same prefix in blockedPrefixes and trustedPrefixes; if one of them is missing, its setting applies';
    expect((error as Error).message.split('\n')).toEqual([
      'The file CLIENTS_FILE cannot be used:',
      `  - clients.shop ${clash}`,
      `  - clients.bank ${clash}`,
    ]);
  });

  it('does not start with a file that cannot be used, and names every error', async () => {
    file.writeText(
      stringify({ clients: { shop: { keys: ['x'], otpTtl: '1h' }, bank: { codes: 5 } } }),
    );
    const error: unknown = await startService({ CLIENTS_FILE: file.path }).catch(
      (thrown: unknown) => thrown,
    );

    expect((error as Error).message.split('\n')).toEqual([
      'The file CLIENTS_FILE cannot be used:',
      '  - clients.shop.otpTtl must be 1s to 10m',
      expect.stringMatching(/^ {2}- clients\.shop\.keys must be a list of SHA-256 hashes in hex/),
      '  - clients.bank has an unknown field codes',
      expect.stringMatching(/^ {2}- clients\.bank\.keys must be a list/),
    ]);
  });
});
