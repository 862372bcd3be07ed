import Joi from 'joi';
import type { PinService } from './pin-service.js';

interface StatusQuery {
  /** Phone number or e-mail address. */
  readonly msisdn: string;
  readonly verified?: boolean;
  readonly sent?: boolean;
}

/** As with `ncNeeded`, clients send `undefined` for what they leave out. */
const filter = Joi.string()
  .empty('')
  .custom((text: string) => (text === 'true' ? true : text === 'false' ? false : undefined));

export const statusQuerySchema = Joi.object<StatusQuery>({
  msisdn: Joi.string().required(),
  verified: filter,
  sent: filter,
});

/**
 * What became of the PINs that went to an address, newest first; times in Unix milliseconds.
 * @throws ApiError 404 for an unknown application.
 */
export function listVerifications(
  pinService: PinService,
  applicationId: string,
  { msisdn, verified, sent }: StatusQuery,
): object {
  const verifications = pinService
    .listPinsSentTo(applicationId, msisdn)
    .filter(
      ({ sentAt, verifiedAt }) =>
        (verified ?? verifiedAt !== undefined) === (verifiedAt !== undefined) &&
        (sent ?? sentAt !== undefined) === (sentAt !== undefined),
    )
    .map(({ to, sentAt, verifiedAt }) => ({
      msisdn: to,
      verified: verifiedAt !== undefined,
      ...(sentAt !== undefined && { sentAt }),
      ...(verifiedAt !== undefined && { verifiedAt }),
    }));
  return { verifications };
}
