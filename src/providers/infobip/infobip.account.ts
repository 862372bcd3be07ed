import { Injectable } from '@nestjs/common';
import type { ProviderResponse } from '../provider-response.js';
import { ProviderError } from '../provider-error.js';
import { InfobipClient } from './infobip.client.js';
import { isNotFound } from './infobip.errors.js';
import { errorFromResponse, errorFromFailure } from './infobip.account-errors.js';
import type { ApplicationResponse, TemplateResponse } from './infobip.types.js';

const APPLICATIONS = '/2fa/2/applications';
const applicationPath = (id: string) => `${APPLICATIONS}/${encodeURIComponent(id)}`;
const messagesPath = (applicationId: string) => `${applicationPath(applicationId)}/messages`;
const messagePath = (applicationId: string, id: string) =>
  `${messagesPath(applicationId)}/${encodeURIComponent(id)}`;

/** The 2FA applications and message templates of the account. Each call throws AccountError. */
@Injectable()
export class InfobipAccount {
  constructor(private readonly client: InfobipClient) {}

  /** @returns `undefined` where the account has no such application. */
  async application(id: string, signal?: AbortSignal): Promise<ApplicationResponse | undefined> {
    return findIn(await heard(this.client.get(applicationPath(id), { signal })));
  }

  async applications(): Promise<ApplicationResponse[]> {
    return listIn(await heard(this.client.get(APPLICATIONS)));
  }

  /** Creates an application, or updates the one with this id: all of `fields` is what it will be. */
  async saveApplication(id: string | undefined, fields: object): Promise<ApplicationResponse> {
    const call =
      id === undefined
        ? this.client.post(APPLICATIONS, fields)
        : this.client.put(applicationPath(id), fields);
    return objectIn(await heard(call));
  }

  /** @returns `undefined` where the application has no such template. */
  async template(
    applicationId: string,
    id: string,
    signal?: AbortSignal,
  ): Promise<TemplateResponse | undefined> {
    return findIn(await heard(this.client.get(messagePath(applicationId, id), { signal })));
  }

  async templates(applicationId: string): Promise<TemplateResponse[]> {
    return listIn(await heard(this.client.get(messagesPath(applicationId))));
  }

  /** Creates a template, or updates the one with this id: only what `fields` has changes. */
  async saveTemplate(
    applicationId: string,
    id: string | undefined,
    fields: object,
  ): Promise<TemplateResponse> {
    const call =
      id === undefined
        ? this.client.post(messagesPath(applicationId), fields)
        : this.client.put(messagePath(applicationId, id), fields);
    return objectIn(await heard(call));
  }

  /**
   * Whether the key may send and verify PINs. Asks about a PIN that cannot exist: it sends nothing,
   * and costs nothing.
   */
  async maySend(): Promise<boolean> {
    const { status } = await heard(this.client.post('/2fa/2/pin/none/verify', { pin: '000000' }));
    return status !== 401 && status !== 403;
  }
}

async function heard(call: Promise<ProviderResponse>): Promise<ProviderResponse> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ProviderError) throw errorFromFailure(error);
    throw error;
  }
}

function findIn(answer: ProviderResponse): object | undefined {
  return isNotFound(answer) ? undefined : objectIn(answer);
}

function objectIn(answer: ProviderResponse): object {
  const { status, body } = answer;
  if (status < 200 || status > 299 || typeof body !== 'object' || body === null) {
    throw errorFromResponse(answer);
  }
  return body;
}

function listIn(answer: ProviderResponse): object[] {
  const list: unknown = objectIn(answer);
  if (!Array.isArray(list)) throw errorFromResponse(answer);
  return list.filter((item): item is object => typeof item === 'object' && item !== null);
}
