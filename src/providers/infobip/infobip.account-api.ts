import { Injectable } from '@nestjs/common';
import { ProviderError } from '../provider-error.js';
import { isSuccess, type ProviderResponse } from '../provider-response.js';
import { toFailureError, toResponseError } from './infobip.account-errors.js';
import { InfobipClient } from './infobip.client.js';
import { isNotFound } from './infobip.errors.js';

/** The collection of the account's 2FA applications. */
export const APPLICATIONS_PATH = '/2fa/2/applications';

/** The collection of an application's message templates. */
export const toTemplatesPath = (applicationId: string): string =>
  `${toItemPath(APPLICATIONS_PATH, applicationId)}/messages`;

const toItemPath = (collection: string, id: string): string =>
  `${collection}/${encodeURIComponent(id)}`;

/** The 2FA applications and message templates of the account. Every method throws AccountError. */
@Injectable()
export class InfobipAccountApi {
  constructor(private readonly client: InfobipClient) {}

  /** @returns `undefined` if the collection has no item with this id. */
  async find(collection: string, id: string, signal?: AbortSignal): Promise<object | undefined> {
    const response = await awaitResponse(this.client.get(toItemPath(collection, id), { signal }));
    return isNotFound(response) ? undefined : requireJsonBody(response);
  }

  async list(collection: string): Promise<object[]> {
    const response = await awaitResponse(this.client.get(collection));
    const list: unknown = requireJsonBody(response);
    if (!Array.isArray(list)) throw toResponseError(response);
    return list.filter((item): item is object => typeof item === 'object' && item !== null);
  }

  /**
   * Creates an item, or updates the item with this id. An application is replaced by the fields; a template
   * keeps its other fields.
   */
  async save(collection: string, id: string | undefined, fields: object): Promise<object> {
    const call =
      id === undefined
        ? this.client.post(collection, fields)
        : this.client.put(toItemPath(collection, id), fields);
    return requireJsonBody(await awaitResponse(call));
  }

  /**
   * Whether the API key has the scope that sends and verifies need. Verifies a PIN that cannot exist, so
   * nothing is sent or charged.
   */
  async canSend(): Promise<boolean> {
    const { status } = await awaitResponse(
      this.client.post('/2fa/2/pin/none/verify', { pin: '000000' }),
    );
    return status !== 401 && status !== 403;
  }
}

/** Turns the error of a call that got no response into an AccountError. */
async function awaitResponse(call: Promise<ProviderResponse>): Promise<ProviderResponse> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ProviderError) throw toFailureError(error);
    throw error;
  }
}

/** The object or list in the body. @throws AccountError unless the response is a 2xx with JSON */
function requireJsonBody(response: ProviderResponse): object {
  const { body } = response;
  if (isSuccess(response) && typeof body === 'object' && body !== null) return body;
  throw toResponseError(response);
}
