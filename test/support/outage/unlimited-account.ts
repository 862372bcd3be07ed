import type { Sandbox } from '../../../src/sandbox/sandbox.js';

/**
 * Creates an application in the sandbox that has practically no limits and accepts a code any number
 * of times, so that only the service's own limits apply.
 * @returns the settings for it.
 */
export async function createUnlimitedAccount({ url }: Sandbox): Promise<NodeJS.ProcessEnv> {
  const applications = `${url}/2fa/2/applications`;
  const { applicationId } = await createResource(applications, {
    name: 'Unlimited',
    configuration: {
      allowMultiplePinVerifications: true,
      verifyPinLimit: '1000/1s',
      sendPinPerApplicationLimit: '1000000/1d',
      sendPinPerPhoneNumberLimit: '1000/1d',
    },
  });
  const { messageId } = await createResource(`${applications}/${applicationId}/messages`, {
    messageText: '{{pin}}',
    pinType: 'NUMERIC',
    pinLength: 6,
  });
  return { INFOBIP_APP_ID: applicationId, INFOBIP_MESSAGE_ID: messageId };
}

async function createResource(
  collection: string,
  body: object,
): Promise<{ applicationId: string; messageId: string }> {
  const response = await fetch(collection, {
    method: 'POST',
    headers: { authorization: 'App sandbox-key', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { applicationId: string; messageId: string };
}
