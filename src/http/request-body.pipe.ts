import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { DomainError, type FieldFault } from '../common/domain-error.js';

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
      exceptionFactory: (errors) =>
        new DomainError('validation_failed', 'Mend what `errors` names and send again.', {
          faults: errors.map(describeFault),
        }),
    });
  }
}

function describeFault({ property, constraints = {} }: ValidationError): FieldFault {
  const pointer = HARMLESS_NAME.test(property) ? `#/${property}` : '#';
  if (UNKNOWN_FIELD in constraints)
    return { pointer, detail: 'Leave this field out; it is not known here.' };
  return { pointer, detail: Object.values(constraints)[0] ?? 'This value cannot be used.' };
}
