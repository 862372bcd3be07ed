export const PROVIDER_NAMES = ['infobip', 'sinch'] as const;

/** The supported providers, by their names in the settings. */
export type ProviderName = (typeof PROVIDER_NAMES)[number];
