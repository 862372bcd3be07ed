import { Module } from '@nestjs/common';
import { InfobipReportReader } from './infobip/infobip.delivery-report.js';
import { REPORT_READERS, type ReportReaders } from './report-reader.js';
import { SinchCallbackReader } from './sinch/sinch.callback.js';

/** The readers that authenticate and parse the delivery reports of each provider. */
@Module({
  providers: [
    InfobipReportReader,
    SinchCallbackReader,
    {
      provide: REPORT_READERS,
      inject: [InfobipReportReader, SinchCallbackReader],
      useFactory: (infobip: InfobipReportReader, sinch: SinchCallbackReader): ReportReaders => ({
        infobip,
        sinch,
      }),
    },
  ],
  exports: [REPORT_READERS],
})
export class ReportReadersModule {}
