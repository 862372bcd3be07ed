import Joi from 'joi';

/** An http or https URL. Joi alone would accept some that cannot be called, such as one with port 70000. */
export const httpUrlSchema = Joi.string()
  .uri({ scheme: ['http', 'https'] })
  .custom((url: string, helpers) => (URL.canParse(url) ? url : helpers.error('string.uri')))
  // Reports only the first error: a second one of the same URL would not help.
  .prefs({ abortEarly: true });
