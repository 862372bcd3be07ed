/** Whether the provider has verified a code, also if no request has got `verified: true`. */
export const isVerified = (status: string | undefined): boolean =>
  status === 'verified' || status === 'unclaimed';
