import type { ApplicationStore } from './infobip/application-store.js';
import { applicationSchema } from './infobip/infobip-application.js';
import { textTemplateSchema } from './infobip/message-template.js';
import { validateInput } from './validate-input.js';

/** The service's settings have these ids as defaults, except in production. */
const APPLICATION_ID = 'sandbox-application';
const TEMPLATE_ID = 'sandbox-message';

/** The only Sinch application of the sandbox. Except in production, the service uses it by default. */
export const SINCH_APPLICATION = {
  key: '5a4db0c5-0000-4000-8000-000000000000',
  secret: 'c2FuZGJveC1zZWNyZXQ=',
};

/** The limits are so wide that no test reaches them. To test limits, create an application. */
const APPLICATION = {
  name: 'Sandbox',
  configuration: {
    allowMultiplePinVerifications: false,
    verifyPinLimit: '1000000/1s',
    sendPinPerApplicationLimit: '1000000/1s',
    sendPinPerPhoneNumberLimit: '1000000/1s',
  },
};

const TEMPLATE = {
  messageText: '{{pin}} is your code. Do not share it.',
  pinType: 'NUMERIC',
  pinLength: 6,
  senderId: 'Sandbox',
};

/** Creates the application and the template that the service uses by default. */
export function seedDefaults(applications: ApplicationStore): void {
  applications.createApplication(validateInput(applicationSchema, APPLICATION), APPLICATION_ID);
  applications.createTemplate(
    APPLICATION_ID,
    validateInput(textTemplateSchema, TEMPLATE),
    TEMPLATE_ID,
  );
}
