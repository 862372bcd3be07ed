import type { Sandbox } from '../../../src/sandbox/sandbox.js';

/**
 * Makes an account at the sandbox whose codes can be verified again and again: what keeps anyone
 * from it is then the service alone.
 * @returns the settings that name it.
 */
export async function createUnlimitedAccount({ url }: Sandbox): Promise<NodeJS.ProcessEnv> {
  const applications = `${url}/2fa/2/applications`;
  const { applicationId } = await create(applications, {
    name: 'Forgiving',
    configuration: {
      allowMultiplePinVerifications: true,
      verifyPinLimit: '1000/1s',
      sendPinPerApplicationLimit: '1000000/1d',
      sendPinPerPhoneNumberLimit: '1000/1d',
    },
  });
  const { messageId } = await create(`${applications}/${applicationId}/messages`, {
    messageText: '{{pin}}',
    pinType: 'NUMERIC',
    pinLength: 6,
  });
  return { INFOBIP_APP_ID: applicationId, INFOBIP_MESSAGE_ID: messageId };
}

async function create(
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
