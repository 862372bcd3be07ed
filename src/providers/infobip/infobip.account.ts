import { Injectable } from '@nestjs/common';
import { ProviderError } from '../provider-error.js';
import { isSuccess, type ProviderResponse } from '../provider-response.js';
import { errorFromFailure, errorFromResponse } from './infobip.account-errors.js';
import { InfobipClient } from './infobip.client.js';
import { isNotFound } from './infobip.errors.js';
import type { ApplicationResponse, TemplateResponse } from './infobip.types.js';

const APPLICATIONS = '/2fa/2/applications';
const applicationPath = (id: string) => `${APPLICATIONS}/${encodeURIComponent(id)}`;
const messagesPath = (applicationId: string) => `${applicationPath(applicationId)}/messages`;
const messagePath = (applicationId: string, id: string) =>
  `${messagesPath(applicationId)}/${encodeURIComponent(id)}`;

/** The 2FA applications and message templates of the account. Every method throws AccountError. */
@Injectable()
export class InfobipAccount {
  constructor(private readonly client: InfobipClient) {}

  /** @returns `undefined` if the account has no such application. */
  async findApplication(
    id: string,
    signal?: AbortSignal,
  ): Promise<ApplicationResponse | undefined> {
    return toOptionalObject(await receive(this.client.get(applicationPath(id), { signal })));
  }

  async listApplications(): Promise<ApplicationResponse[]> {
    return toList(await receive(this.client.get(APPLICATIONS)));
  }

  /** Creates an application, or replaces the one with this id. */
  async saveApplication(id: string | undefined, fields: object): Promise<ApplicationResponse> {
    const call =
      id === undefined
        ? this.client.post(APPLICATIONS, fields)
        : this.client.put(applicationPath(id), fields);
    return toObject(await receive(call));
  }

  /** @returns `undefined` if the application has no such template. */
  async findTemplate(
    applicationId: string,
    id: string,
    signal?: AbortSignal,
  ): Promise<TemplateResponse | undefined> {
    const call = this.client.get(messagePath(applicationId, id), { signal });
    return toOptionalObject(await receive(call));
  }

  async listTemplates(applicationId: string): Promise<TemplateResponse[]> {
    return toList(await receive(this.client.get(messagesPath(applicationId))));
  }

  /** Creates a template, or changes only these fields of the one with this id. */
  async saveTemplate(
    applicationId: string,
    id: string | undefined,
    fields: object,
  ): Promise<TemplateResponse> {
    const call =
      id === undefined
        ? this.client.post(messagesPath(applicationId), fields)
        : this.client.put(messagePath(applicationId, id), fields);
    return toObject(await receive(call));
  }

  /** Whether the key can send PINs. Verifies a PIN that cannot exist: sends nothing, costs nothing. */
  async canSend(): Promise<boolean> {
    const { status } = await receive(this.client.post('/2fa/2/pin/none/verify', { pin: '000000' }));
    return status !== 401 && status !== 403;
  }
}

async function receive(call: Promise<ProviderResponse>): Promise<ProviderResponse> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ProviderError) throw errorFromFailure(error);
    throw error;
  }
}

const toOptionalObject = (response: ProviderResponse): object | undefined =>
  isNotFound(response) ? undefined : toObject(response);

function toObject(response: ProviderResponse): object {
  const { body } = response;
  if (isSuccess(response) && typeof body === 'object' && body !== null) return body;
  throw errorFromResponse(response);
}

function toList(response: ProviderResponse): object[] {
  const list: unknown = toObject(response);
  if (!Array.isArray(list)) throw errorFromResponse(response);
  return list.filter((item): item is object => typeof item === 'object' && item !== null);
}
