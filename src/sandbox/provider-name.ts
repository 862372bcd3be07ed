export const PROVIDER_NAMES = ['infobip', 'sinch'] as const;
/** A provider that the sandbox simulates. */
export type ProviderName = (typeof PROVIDER_NAMES)[number];
