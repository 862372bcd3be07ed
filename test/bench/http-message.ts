/** A whole HTTP/1.1 message. */
export interface HttpMessage {
  /** The request line or the status line. */
  readonly startLine: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';
const LINE_END = '\r\n';

/**
 * Parses the messages of one connection without pipelining. It supports only what the measured
 * servers and their HTTP clients write: a full parser would take CPU time from the servers.
 */
export class HttpMessageReader {
  private incomplete: Buffer | undefined;

  /** @returns the message that ends with these bytes; `undefined` while it is incomplete */
  push(bytes: Buffer): HttpMessage | undefined {
    const all = this.incomplete ? Buffer.concat([this.incomplete, bytes]) : bytes;
    const message = parseMessage(all);
    this.incomplete = message ? undefined : all;
    return message;
  }
}

function parseMessage(bytes: Buffer): HttpMessage | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const [startLine = '', ...fields] = bytes.toString('latin1', 0, headEnd).split(LINE_END);
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  const body = parseBody(bytes.subarray(headEnd + HEAD_END.length), headers);
  return body && { startLine, headers, body: body.toString() };
}

function parseBody(bytes: Buffer, headers: HttpMessage['headers']): Buffer | undefined {
  if (headers['transfer-encoding'] === 'chunked') return joinChunks(bytes);
  const length = Number(headers['content-length'] ?? 0);
  return bytes.length < length ? undefined : bytes.subarray(0, length);
}

/** Chunks without extensions and trailers (RFC 9112 §7.1). */
function joinChunks(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let from = 0; ;) {
    const lineEnd = bytes.indexOf(LINE_END, from);
    if (lineEnd < 0) return undefined;
    const begin = lineEnd + LINE_END.length;
    const end = begin + parseInt(bytes.toString('latin1', from, lineEnd), 16);
    from = end + LINE_END.length;
    if (Number.isNaN(end)) throw new Error('The size of a chunk is not a number.');
    if (bytes.length < from) return undefined;
    if (begin === end) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(begin, end));
  }
}
