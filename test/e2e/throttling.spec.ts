import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

describe('Rate limits per minute', () => {
  let service: SandboxedService;

  beforeEach(async () => {
    service = await startSandboxedService({ THROTTLE_SEND_LIMIT: '2', THROTTLE_VERIFY_LIMIT: '3' });
  });

  afterEach(() => service.close());

  const send = () => service.http.post('/otp/send').send({});
  const verify = () => service.http.post('/otp/verify').send({});

  it('count invalid requests to send too', async () => {
    expectProblem(await send(), 400, 'validation_failed');
    expectProblem(await send(), 400, 'validation_failed');

    const response = await send();
    expectProblem(response, 429, 'too_many_requests');
    expect(Number(response.headers['retry-after'])).toBeLessThanOrEqual(60);
  });

  it('count verify and send separately', async () => {
    await send();
    await send();
    await verify();
    await verify();
    expectProblem(await verify(), 400, 'validation_failed');

    expectProblem(await verify(), 429, 'too_many_requests');
  });

  it('do not apply to health checks', async () => {
    for (let i = 0; i < 5; i += 1)
      await service.http.get('/health/live').expect(200, { status: 'ok' });
  });
});
