import type { ApplicationStore } from './infobip/application-store.js';
import { applicationSchema } from './infobip/infobip-application.js';
import { textTemplateSchema } from './infobip/message-template.js';
import { validateInput } from './validate-input.js';

/** Except in production, the service uses this application and the templates below by default. */
const APPLICATION_ID = 'sandbox-application';

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

/** The message templates by id, one for each language. */
const TEMPLATES = {
  'sandbox-message': { language: 'en', messageText: '{{pin}} is your code. Do not share it.' },
  'sandbox-message-de': {
    language: 'de',
    messageText: '{{pin}} ist Ihr Code. Geben Sie ihn nicht weiter.',
  },
  'sandbox-message-es': {
    language: 'es',
    messageText: '{{pin}} es su código. No lo comparta.',
  },
  'sandbox-message-fr': {
    language: 'fr',
    messageText: '{{pin}} est votre code. Ne le partagez pas.',
  },
};

const TEMPLATE_FIELDS = { pinType: 'NUMERIC', pinLength: 6, senderId: 'Sandbox' };

/** Creates the application and the templates that the service uses by default. */
export function seedDefaults(applications: ApplicationStore): void {
  applications.createApplication(validateInput(applicationSchema, APPLICATION), APPLICATION_ID);
  for (const [templateId, fields] of Object.entries(TEMPLATES)) {
    const template = validateInput(textTemplateSchema, { ...TEMPLATE_FIELDS, ...fields });
    applications.createTemplate(APPLICATION_ID, template, templateId);
  }
}
