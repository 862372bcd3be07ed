import { Pool } from 'undici';
import { connectTo } from '../raw-connection.js';
import type { Replica } from '../replica.js';

export interface RequestOptions {
  readonly method?: string;
  readonly path: string;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The members of a successful response that a flow uses. */
interface ResponseBody {
  readonly pinId?: string;
  readonly proof?: string;
}

/** Calls a replica, and keeps the headers and bodies of all responses. */
export class RecordingClient {
  /** The headers of all responses. */
  readonly headers: string[] = [];
  readonly errorBodies: string[] = [];
  readonly successBodies: string[] = [];
  private readonly url;
  private readonly pool;

  constructor({ url }: Replica, connections: number) {
    this.url = url;
    this.pool = new Pool(url, { connections });
  }

  async call({ method = 'POST', path, body, headers }: RequestOptions): Promise<ResponseBody> {
    const response = await this.pool.request({
      method,
      path,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.body.text();
    this.headers.push(JSON.stringify(response.headers));
    const isSuccess = response.statusCode < 300;
    (isSuccess ? this.successBodies : this.errorBodies).push(text);
    return isSuccess && text.startsWith('{"') ? (JSON.parse(text) as ResponseBody) : {};
  }

  /** Sends a text that is not HTTP. */
  async sendRaw(text: string): Promise<void> {
    const connection = await connectTo(this.url);
    connection.write(`${text}\r\n\r\n`);
    this.errorBodies.push(await connection.answer);
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }
}
