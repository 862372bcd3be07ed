import Joi from 'joi';

const PIN_TYPES = ['NUMERIC', 'ALPHA', 'HEX', 'ALPHANUMERIC'] as const;
export type PinType = (typeof PIN_TYPES)[number];

/** The template of an SMS or a call. */
export interface TextTemplateFields {
  readonly messageText: string;
  readonly pinType: PinType;
  readonly pinLength: number;
  readonly senderId?: string;
  readonly language?: string;
  readonly repeatDTMF?: string;
  readonly speechRate?: number;
  readonly regional?: object;
}

/** The template of an e-mail, whose text is kept in another part of Infobip. */
export interface EmailTemplateFields {
  readonly emailTemplateId: number;
  readonly pinType: PinType;
  readonly pinLength: number;
  readonly from?: string;
  readonly landingPageId?: string;
}

interface TemplateIds {
  readonly messageId: string;
  readonly applicationId: string;
}

type TextTemplate = TextTemplateFields & TemplateIds;
export type EmailTemplate = EmailTemplateFields & TemplateIds;
export type MessageTemplate = TextTemplate | EmailTemplate;

export function isEmailTemplate(template: MessageTemplate): template is EmailTemplate {
  return 'emailTemplateId' in template;
}

const LANGUAGES =
  'en es ca da nl fr de it ja ko no pl ru sv fi hr sl ro pt_pt pt_br zh_cn zh_tw'.split(' ');

// Escaped in the error message, in which Joi replaces `{{name}}`.
const messageText = Joi.string()
  .pattern(/\{\{pin\}\}/)
  .messages({ 'string.pattern.base': '{#label} must contain \\{\\{pin\\}\\}' });
const pinType = Joi.string().valid(...PIN_TYPES);
const pinLength = Joi.number().integer().min(1).max(8).default(4);

/** Infobip accepts a voice, but never returns it. */
const voice = { voiceName: Joi.string().strip() };

export const textTemplateSchema = Joi.object<TextTemplateFields>({
  senderId: Joi.string(),
  repeatDTMF: Joi.string(),
  speechRate: Joi.number().min(0.5).max(2),
  ...voice,
  regional: Joi.object({
    indiaDlt: Joi.object({
      principalEntityId: Joi.string().max(30).required(),
      contentTemplateId: Joi.string().max(30),
      teleMarketerId: Joi.string().max(255),
    }),
  }),
  messageText: messageText.required(),
  pinType: pinType.required(),
  pinLength,
  language: Joi.string()
    .valid(...LANGUAGES)
    .default('en'),
});

export const emailTemplateSchema = Joi.object<EmailTemplateFields>({
  from: Joi.string(),
  landingPageId: Joi.string(),
  emailTemplateId: Joi.number().integer().min(0).required(),
  pinType: pinType.default('NUMERIC'),
  pinLength,
});

// An update changes only the fields that it has: in it, none is required or has a default.
export const textTemplateUpdateSchema: Joi.AnySchema<Partial<TextTemplateFields>> =
  textTemplateSchema
    .fork(['messageText', 'pinType'], (field) => field.optional())
    .prefs({ noDefaults: true });
export const emailTemplateUpdateSchema: Joi.AnySchema<Partial<EmailTemplateFields>> =
  emailTemplateSchema
    .fork(['emailTemplateId'], (field) => field.optional())
    .prefs({ noDefaults: true });
