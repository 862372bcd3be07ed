import { Injectable, NotFoundException } from '@nestjs/common';
import { VerificationStore } from './verification-store.js';

/** A map, as in tutorials. */
@Injectable()
export class MemoryStore extends VerificationStore {
  private readonly providerPinIds = new Map<string, string>();

  override create(): Promise<void> {
    return Promise.resolve();
  }

  override confirm(pinId: string, providerPinId: string): Promise<void> {
    this.providerPinIds.set(pinId, providerPinId);
    return Promise.resolve();
  }

  override countAttempt(pinId: string): Promise<string> {
    const providerPinId = this.providerPinIds.get(pinId);
    if (providerPinId === undefined) return Promise.reject(new NotFoundException());
    return Promise.resolve(providerPinId);
  }

  override complete(pinId: string): Promise<void> {
    this.providerPinIds.delete(pinId);
    return Promise.resolve();
  }
}
