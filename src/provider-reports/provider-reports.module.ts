import { Module, type DynamicModule } from '@nestjs/common';
import type { ReportsConfig } from '../config/reports.config.js';
import { ReportReadersModule } from '../providers/report-readers.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { ProviderReportReceiver } from './provider-report-receiver.js';
import { selectReportControllers } from './provider-reports.controller.js';

/** The routes for delivery reports, for each provider whose reports are switched on. */
@Module({})
export class ProviderReportsModule {
  static with(reports: ReportsConfig): DynamicModule {
    return {
      module: ProviderReportsModule,
      imports: [ReportReadersModule, StorageModule],
      controllers: selectReportControllers(reports),
      providers: [ProviderReportReceiver],
    };
  }
}
