import { describeEnum } from '../openapi/describe-enum.js';
import { ApiExtraModels, ApiProperty, ApiSchema } from '../openapi/swagger.js';

@ApiSchema({ description: 'The process can respond.' })
export class LivenessResponse {
  @ApiProperty({ type: 'string', const: 'ok', description: 'Always `ok`.' })
  readonly status!: 'ok';
}

@ApiSchema({ description: 'The result for one dependency: `storage` or `counters`.' })
class HealthIndicator {
  @ApiProperty(
    describeEnum('Whether the dependency can be reached.', {
      up: 'reachable',
      down: 'unreachable',
    }),
  )
  readonly status!: 'up' | 'down';

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    required: false,
    description: 'The response time in milliseconds.',
    examples: [2],
  })
  readonly responseTime?: number;

  @ApiProperty({
    required: false,
    description: 'Why the dependency cannot be reached. Contains no host and no credential.',
    examples: ['The storage is unavailable.'],
  })
  readonly message?: string;
}

const ApiHealthIndicators = (description: string) =>
  ApiProperty({
    type: 'object',
    description,
    additionalProperties: { $ref: '#/components/schemas/HealthIndicator' },
  });

/** The report of @nestjs/terminus. */
@ApiSchema({ description: 'Whether the service is ready for requests, and why.' })
@ApiExtraModels(HealthIndicator)
export class HealthReport {
  @ApiProperty(
    describeEnum('The overall result.', {
      ok: 'ready for requests',
      error: 'the storage or the rate-limit counters cannot be reached',
      shutting_down: 'the service is shutting down',
    }),
  )
  readonly status!: 'ok' | 'error' | 'shutting_down';

  @ApiHealthIndicators('The dependencies that can be reached.')
  readonly info!: Record<string, HealthIndicator>;

  @ApiHealthIndicators('The dependencies that cannot be reached.')
  readonly error!: Record<string, HealthIndicator>;

  @ApiHealthIndicators('All dependencies.')
  readonly details!: Record<string, HealthIndicator>;
}
