import { Controller, Inject, Post, Req, Res, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReportsConfig } from '../config/reports.config.js';
import { Public } from '../http/public.decorator.js';
import { RawBody } from '../http/raw-body.decorator.js';
import { ApiExcludeController } from '../openapi/swagger.js';
import { REPORT_READERS, type ReportReaders } from '../providers/report-reader.js';
import { ProviderReportReceiver } from './provider-report-receiver.js';

const PATH = 'provider-reports';

/** Infobip posts up to a hundred reports (`maxBucketSize`): about 60 KB. */
const MAX_INFOBIP_BYTES = 256 * 1024;
const MAX_SINCH_BYTES = 64 * 1024;

/** The delivery reports of Infobip. */
@Public()
@ApiExcludeController()
@Controller(PATH)
class InfobipReportsController {
  constructor(
    private readonly receiver: ProviderReportReceiver,
    @Inject(REPORT_READERS) private readonly readers: ReportReaders,
  ) {}

  @Post('infobip')
  @RawBody(MAX_INFOBIP_BYTES)
  async receive(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.receiver.receive(this.readers.infobip, request, reply);
  }
}

/** The callbacks of Sinch: delivery reports, and requests for permission to send. */
@Public()
@ApiExcludeController()
@Controller(PATH)
class SinchCallbacksController {
  constructor(
    private readonly receiver: ProviderReportReceiver,
    @Inject(REPORT_READERS) private readonly readers: ReportReaders,
  ) {}

  @Post('sinch')
  @RawBody(MAX_SINCH_BYTES)
  async receive(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.receiver.receive(this.readers.sinch, request, reply);
  }
}

/** The controllers of the providers whose reports are switched on. */
export const selectReportControllers = ({ infobip, sinch }: ReportsConfig): Type[] => [
  ...(infobip ? [InfobipReportsController] : []),
  ...(sinch ? [SinchCallbacksController] : []),
];
