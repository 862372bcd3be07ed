import Joi from 'joi';
import type { PinService } from './pin-service.js';

interface VerificationStatusQuery {
  /** Phone number or e-mail address. */
  readonly msisdn: string;
  readonly verified?: boolean;
  readonly sent?: boolean;
}

/**
 * Any text except `true` and `false` means no filter: Infobip's SDK sends the text `undefined` for a
 * filter that is not set.
 */
const booleanFilter = Joi.string()
  .empty('')
  .custom((text: string) => (text === 'true' ? true : text === 'false' ? false : undefined));

export const statusQuerySchema = Joi.object<VerificationStatusQuery>({
  msisdn: Joi.string().required(),
  verified: booleanFilter,
  sent: booleanFilter,
});

/**
 * Lists the verifications of a recipient, newest first, with times in ms since the epoch.
 * @throws InfobipError 404 for an unknown application.
 */
export function listVerifications(
  pinService: PinService,
  applicationId: string,
  { msisdn, verified, sent }: VerificationStatusQuery,
): object {
  const verifications = pinService
    .listPinsForRecipient(applicationId, msisdn)
    .filter(
      ({ sentAt, verifiedAt }) =>
        matchesFilter(verified, verifiedAt !== undefined) &&
        matchesFilter(sent, sentAt !== undefined),
    )
    .map(({ to, sentAt, verifiedAt }) => ({
      msisdn: to,
      verified: verifiedAt !== undefined,
      ...(sentAt !== undefined && { sentAt }),
      ...(verifiedAt !== undefined && { verifiedAt }),
    }));
  return { verifications };
}

const matchesFilter = (filter: boolean | undefined, value: boolean): boolean =>
  filter === undefined || filter === value;
