import { callInfobip } from './cli.js';

/** Limits of an application that suit the service's default settings. */
export const CONFIGURATION = {
  pinAttempts: 5,
  allowMultiplePinVerifications: false,
  pinTimeToLive: '5m',
  verifyPinLimit: '5/1s',
  sendPinPerApplicationLimit: '100000/1d',
  sendPinPerPhoneNumberLimit: '10/1d',
};
/** Limits that no test reaches, so that only the service's own limits apply. */
export const NO_LIMITS = {
  pinAttempts: 10,
  allowMultiplePinVerifications: true,
  pinTimeToLive: '15m',
  verifyPinLimit: '1000000/1s',
  sendPinPerApplicationLimit: '1000000/1s',
  sendPinPerPhoneNumberLimit: '1000000/1s',
};
export const TEMPLATE = { messageText: 'Code: {{pin}}', pinType: 'NUMERIC', pinLength: 6 };

/** Values to change in an account that otherwise suits the default settings. */
export interface AccountValues {
  readonly application?: object;
  readonly configuration?: object;
  readonly template?: object;
}

/** Creates an application and a template in a sandbox; returns the settings with their ids. */
export async function createInfobipAccount(
  url: string,
  { application, configuration, template }: AccountValues = {},
): Promise<Record<'INFOBIP_BASE_URL' | 'INFOBIP_APP_ID' | 'INFOBIP_MESSAGE_ID', string>> {
  const applications = `${url}/2fa/2/applications`;
  const { applicationId } = await callInfobip(applications, 'POST', {
    name: 'doctor',
    ...application,
    configuration: { ...CONFIGURATION, ...configuration },
  });
  const { messageId } = await callInfobip(`${applications}/${applicationId}/messages`, 'POST', {
    ...TEMPLATE,
    ...template,
  });
  return {
    INFOBIP_BASE_URL: url,
    INFOBIP_APP_ID: applicationId,
    INFOBIP_MESSAGE_ID: messageId,
  };
}
