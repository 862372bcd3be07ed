import { ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { AppModule } from '../../src/app.module.js';
import { NAMESPACES } from '../../src/config/config.module.js';
import { otpConfig, type OtpConfig } from '../../src/config/otp.config.js';
import { testEnvironment } from '../support/config.js';
import { startService, type RunningService } from '../support/service.js';

describe('The running application', () => {
  let service: RunningService;

  beforeAll(async () => {
    service = await startService({ OTP_TTL: '7m', ALLOWED_COUNTRIES: 'DE,AT' });
  });

  afterAll(() => service.close());

  describe('has its configuration in @nestjs/config', () => {
    it('each namespace by its key, and the same value by its name', () => {
      const config = service.app.get(ConfigService);

      for (const { KEY, namespace } of NAMESPACES) {
        const value = service.app.get<object>(KEY);
        expect(Object.isFrozen(value)).toBe(true);
        expect(config.get(namespace)).toBe(value);
      }
      expect(service.app.get<OtpConfig>(otpConfig.KEY).ttlMs).toBe(420_000);
      expect(config.get('otp.ttlMs')).toBe(420_000);
      expect(config.get('destinations.allowedCountries')).toEqual(['DE', 'AT']);
    });

    it('of its own settings, beside another application in the process', async () => {
      const before = { ...process.env };
      const other = await startService({ OTP_TTL: '2m' });

      expect(other.app.get<OtpConfig>(otpConfig.KEY).ttlMs).toBe(120_000);
      expect(other.app.get(ConfigService).get('otp.ttlMs')).toBe(120_000);
      expect(service.app.get(ConfigService).get('otp.ttlMs')).toBe(420_000);
      expect({ ...process.env }).toEqual(before);
      await other.close();
    });

    it('and nothing of process.env', () => {
      expect(process.env['PATH']).toBeDefined();
      expect(service.app.get(ConfigService).get('PATH')).toBeUndefined();
    });

    it('where a test can override a namespace', async () => {
      const env = testEnvironment({ NODE_ENV: 'test' });
      const module = await Test.createTestingModule({ imports: [AppModule.with(env)] })
        .overrideProvider(otpConfig.KEY)
        .useValue({ ...otpConfig(env), ttlMs: 1 })
        .compile();

      expect(module.get<OtpConfig>(otpConfig.KEY).ttlMs).toBe(1);
      expect(module.get(ConfigService).get('otp.ttlMs')).toBe(1);
      await module.close();
    });
  });
});
