export const VENDORS = ['infobip', 'sinch'] as const;
/** Whom the sandbox stands in for. */
export type Vendor = (typeof VENDORS)[number];
