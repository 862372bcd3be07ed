import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { ClientDirectory } from './clients/client-directory.js';
import { ClientsFileReader } from './clients/clients-file-reader.js';
import { ClientsModule } from './clients/clients.module.js';
import { EventBus } from './common/events.js';
import { authConfig } from './config/auth.config.js';
import { configModule } from './config/config.module.js';
import type { Environment } from './config/define-config.js';
import { httpConfig } from './config/http.config.js';
import { providersConfig } from './config/providers.config.js';
import { reportsConfig } from './config/reports.config.js';
import { serviceConfig } from './config/service.config.js';
import { webhooksConfig } from './config/webhooks.config.js';
import { DemoModule } from './demo/demo.module.js';
import { hasDemo } from './demo/has-demo.js';
import { StartPageController } from './demo/start-page.controller.js';
import { HealthModule } from './health/health.module.js';
import { selectMetricsControllers } from './health/metrics.controller.js';
import { ApiKeyGuard } from './http/api-key.guard.js';
import { GracefulShutdown } from './http/graceful-shutdown.js';
import { ProblemFilter } from './http/problem.filter.js';
import { RequestValidationPipe } from './http/request-validation.pipe.js';
import { UnauthenticatedLimit } from './http/unauthenticated-limit.js';
import { MetricsServer } from './observability/metrics-server.js';
import { Metrics } from './observability/metrics.js';
import { tracingProvider } from './observability/tracing.provider.js';
import { OtpModule } from './otp/otp.module.js';
import { ProviderReportsModule } from './provider-reports/provider-reports.module.js';
import { RateLimitGuard } from './throttling/rate-limit.guard.js';
import { ThrottlingModule } from './throttling/throttling.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** The root module. The global guards run in the order of `providers`. */
@Global()
@Module({})
export class AppModule {
  static with(env: Environment): DynamicModule {
    const reports = reportsConfig(env);
    return {
      module: AppModule,
      imports: [
        configModule(env),
        ClientsModule.with(env),
        ThrottlingModule,
        OtpModule,
        HealthModule,
        ...(reports.isOn ? [ProviderReportsModule.with(reports)] : []),
        ...(webhooksConfig(env).receiver ? [WebhooksModule] : []),
        ...(hasDemo(providersConfig(env), authConfig(env)) ? [DemoModule] : []),
      ],
      controllers: [
        ...selectMetricsControllers(httpConfig(env), authConfig(env)),
        // In production there is no page at `/`: it is an unknown path.
        ...(serviceConfig(env).isProduction ? [] : [StartPageController]),
      ],
      providers: [
        EventBus,
        {
          provide: ClientsFileReader,
          inject: [ClientDirectory, EventBus],
          useFactory: (directory: ClientDirectory, events: EventBus) =>
            new ClientsFileReader(env, directory, events),
        },
        Metrics,
        MetricsServer,
        tracingProvider,
        GracefulShutdown,
        UnauthenticatedLimit,
        { provide: APP_GUARD, useClass: ApiKeyGuard },
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_PIPE, useClass: RequestValidationPipe },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
      exports: [EventBus, GracefulShutdown, Metrics, UnauthenticatedLimit],
    };
  }
}
