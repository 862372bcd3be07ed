import { type ArgumentMetadata, ValidationPipe, type ValidationError } from '@nestjs/common';
import { invalidRequest, type FieldFault } from '../common/domain-error.js';
import { UnreadableBody } from './body-reader.js';

/** A name that cannot be a number, a code or a key, and may be repeated in an answer. */
const HARMLESS_NAME = /^[a-z_]{1,32}$/i;
const UNKNOWN_FIELD = 'whitelistValidation';

/**
 * Reads each body into its DTO and refuses what the DTO does not name.
 * @throws DomainError `validation_failed`, one fault a field.
 */
export class RequestBodyPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => invalidRequest(errors.map(describeFault)),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (value instanceof UnreadableBody) throw value.error;
    if (metadata.type === 'body') refuseNesting(value);
    return super.transform(value, metadata) as Promise<unknown>;
  }
}

/**
 * Every body here is one flat object. Saying so first keeps lists, lone values and deep nesting
 * from the transformer, which recurses into whatever it is given until the stack ends.
 */
function refuseNesting(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalidRequest([{ pointer: '#', detail: 'Send one JSON object.' }]);
  }
  const nested = Object.entries(body).filter(
    ([, value]) => typeof value === 'object' && value !== null,
  );
  if (nested.length === 0) return;
  throw invalidRequest(
    nested.map(([name]) => ({
      pointer: pointerTo(name),
      detail: 'Give a plain value, not a list or an object.',
    })),
  );
}

function describeFault({ property, constraints = {} }: ValidationError): FieldFault {
  const detail =
    UNKNOWN_FIELD in constraints
      ? 'Leave this field out; it is not known here.'
      : (Object.values(constraints)[0] ?? 'This value cannot be used.');
  return { pointer: pointerTo(property), detail };
}

const pointerTo = (name: string): string => (HARMLESS_NAME.test(name) ? `#/${name}` : '#');
