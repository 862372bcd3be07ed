export const PROVIDER_NAMES = ['infobip', 'sinch'] as const;

/** The vendors that can make, deliver and judge codes, as the settings name them. */
export type ProviderName = (typeof PROVIDER_NAMES)[number];
