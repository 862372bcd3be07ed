import { Controller, Get } from '@nestjs/common';
import { Public } from '../http/public.decorator.js';

@Public()
@Controller('health')
export class HealthController {
  /** Answers as long as the process can answer at all. */
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }
}
