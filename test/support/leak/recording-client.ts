import { Pool } from 'undici';
import { connectTo } from '../raw-connection.js';
import type { Replica } from '../replica.js';

export interface RequestOptions {
  readonly method?: string;
  readonly path: string;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a caller hears of its success, as far as a flow goes on with it. */
interface ResponseBody {
  readonly pinId?: string;
}

/** Calls a replica, and keeps all that it says. */
export class RecordingClient {
  /** Heads of all answers. */
  readonly headers: string[] = [];
  /** Bodies of those that are no success. */
  readonly errorBodies: string[] = [];
  /** Bodies of those that are. */
  readonly successBodies: string[] = [];
  private readonly url;
  private readonly pool;

  constructor({ url }: Replica, connections: number) {
    this.url = url;
    this.pool = new Pool(url, { connections });
  }

  async call({ method = 'POST', path, body, headers }: RequestOptions): Promise<ResponseBody> {
    const answer = await this.pool.request({
      method,
      path,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const said = await answer.body.text();
    this.headers.push(JSON.stringify(answer.headers));
    const isSuccess = answer.statusCode < 300;
    (isSuccess ? this.successBodies : this.errorBodies).push(said);
    return isSuccess && said.startsWith('{"') ? (JSON.parse(said) as ResponseBody) : {};
  }

  /** Says what is no HTTP. */
  async sendRaw(text: string): Promise<void> {
    const connection = await connectTo(this.url);
    connection.write(`${text}\r\n\r\n`);
    this.errorBodies.push(await connection.answer);
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }
}
