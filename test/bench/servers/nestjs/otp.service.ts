import { randomUUID } from 'node:crypto';
import { HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { VerificationStore } from './verification-store.js';

const UPSTREAM = process.env['UPSTREAM'] ?? '';
const CONFIG = { headers: { authorization: 'App key' } };

@Injectable()
export class OtpService {
  constructor(
    private readonly http: HttpService,
    private readonly store: VerificationStore,
  ) {}

  async send(phoneNumber: string): Promise<{ pinId: string }> {
    const pinId = randomUUID();
    await this.store.create(pinId, phoneNumber);
    const body = { applicationId: 'application', messageId: 'message', to: phoneNumber.slice(1) };
    const { data } = await firstValueFrom(
      this.http.post<{ pinId: string }>(`${UPSTREAM}/2fa/2/pin?ncNeeded=true`, body, CONFIG),
    );
    await this.store.confirm(pinId, data.pinId);
    return { pinId };
  }

  async verify(pinId: string, otpCode: string): Promise<{ verified: boolean }> {
    const providerPinId = await this.store.countAttempt(pinId);
    const url = `${UPSTREAM}/2fa/2/pin/${providerPinId}/verify`;
    const { data } = await firstValueFrom(
      this.http.post<{ verified: boolean }>(url, { pin: otpCode }, CONFIG),
    );
    if (data.verified) await this.store.complete(pinId);
    return { verified: data.verified };
  }
}
