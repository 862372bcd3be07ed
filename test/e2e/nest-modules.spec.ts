import { HttpService } from '@nestjs/axios';
import { ConfigService } from '@nestjs/config';
import type { ApplicationConfig } from '@nestjs/core';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { ThrottlerGuard } from '@nestjs/throttler';
import { AppModule } from '../../src/app.module.js';
import { CONFIGS } from '../../src/config/config.module.js';
import { otpConfig, type OtpConfig } from '../../src/config/otp.config.js';
import { ProblemFilter } from '../../src/http/problem.filter.js';
import { RateLimitGuard } from '../../src/throttling/rate-limit.guard.js';
import { testEnvironment } from '../support/config.js';
import { startSandboxedService, startService, type SandboxedService } from '../support/service.js';

describe('The running application', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService({ OTP_TTL: '7m', ALLOWED_COUNTRIES: 'DE,AT' });
  });

  afterAll(() => service.close());

  it('makes each configuration namespace injectable by its key and readable by its name', () => {
    const config = service.app.get(ConfigService);

    for (const { KEY, namespace } of CONFIGS) {
      const value = service.app.get<object>(KEY);
      expect(Object.isFrozen(value)).toBe(true);
      expect(config.get(namespace)).toBe(value);
    }
    expect(service.app.get<OtpConfig>(otpConfig.KEY).ttlMs).toBe(420_000);
    expect(config.get('otp.ttlMs')).toBe(420_000);
    expect(config.get('destinations.allowedCountries')).toEqual(['DE', 'AT']);
  });

  it('keeps its settings apart from those of another application in the same process', async () => {
    const envBefore = { ...process.env };
    const other = await startService({ OTP_TTL: '2m' });

    expect(other.app.get<OtpConfig>(otpConfig.KEY).ttlMs).toBe(120_000);
    expect(other.app.get(ConfigService).get('otp.ttlMs')).toBe(120_000);
    expect(service.app.get(ConfigService).get('otp.ttlMs')).toBe(420_000);
    expect({ ...process.env }).toEqual(envBefore);
    await other.close();
  });

  it('has no variables of process.env in ConfigService', () => {
    expect(process.env['PATH']).toBeDefined();
    expect(service.app.get(ConfigService).get('PATH')).toBeUndefined();
  });

  it('lets a test override a configuration namespace', async () => {
    const env = testEnvironment({ NODE_ENV: 'test' });
    const module = await Test.createTestingModule({ imports: [AppModule.with(env)] })
      .overrideProvider(otpConfig.KEY)
      .useValue({ ...otpConfig(env), ttlMs: 1 })
      .compile();

    expect(module.get<OtpConfig>(otpConfig.KEY).ttlMs).toBe(1);
    expect(module.get(ConfigService).get('otp.ttlMs')).toBe(1);
    await module.close();
  });

  /** Nest keeps the global guards and filters in a private field. */
  const getApplicationConfig = () =>
    (service.app as unknown as { config: ApplicationConfig }).config;

  it('builds its API document with SwaggerModule', async () => {
    const createDocument = jest.spyOn(SwaggerModule, 'createDocument');
    const { body } = await service.http.get('/docs-json').expect(200);
    await service.http.get('/docs-json').expect(200);

    expect(createDocument).toHaveBeenCalledTimes(1);
    expect(createDocument.mock.calls[0]?.[0]).toBe(service.app);
    const built = createDocument.mock.results[0]?.value as OpenAPIObject;
    expect(body).toMatchObject({ components: { schemas: built.components?.schemas } });
  });

  it('limits requests with one ThrottlerGuard, the last of the global guards', () => {
    const guards = getApplicationConfig().getGlobalGuards();

    expect(guards.filter((guard) => guard instanceof ThrottlerGuard)).toHaveLength(1);
    expect(guards.at(-1)).toBeInstanceOf(RateLimitGuard);
  });

  it('calls the provider through HttpService', async () => {
    const http = service.app.get(HttpService, { strict: false });
    const calls: unknown[] = [];
    http.axiosRef.interceptors.request.use((config) => {
      calls.push(config.url);
      return config;
    });
    await service.http.post('/otp/send').send({ phoneNumber: '+4915112345678' }).expect(200);

    expect(calls).toHaveLength(1);
  });

  it('has one global exception filter, the ProblemFilter', () => {
    const filters = getApplicationConfig().getGlobalFilters();

    expect(filters).toHaveLength(1);
    expect(filters[0]).toBeInstanceOf(ProblemFilter);
  });
});
