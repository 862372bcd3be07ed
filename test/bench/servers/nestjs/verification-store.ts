/** Two writes for a send and two for a verify, as in the service. */
export abstract class VerificationStore {
  abstract create(pinId: string, phoneNumber: string): Promise<void>;

  abstract confirm(pinId: string, providerPinId: string): Promise<void>;

  /** @returns the provider's id of the code @throws NotFoundException */
  abstract countAttempt(pinId: string): Promise<string>;

  abstract complete(pinId: string): Promise<void>;
}
