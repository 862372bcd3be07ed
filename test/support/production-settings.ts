/** The settings that production requires. Nothing listens at the URL of the provider. */
export const PRODUCTION_SETTINGS = {
  NODE_ENV: 'production',
  OTP_SECRET: 'a master secret that only tests know of',
  API_KEYS: `shop:${'0'.repeat(64)}`,
  INFOBIP_BASE_URL: 'https://127.0.0.1:9',
  INFOBIP_API_KEY: 'key',
  INFOBIP_APP_ID: 'application',
  INFOBIP_MESSAGE_ID: 'message',
};
