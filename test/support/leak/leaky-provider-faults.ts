import type { ServerResponse } from 'node:http';
import type { SeededRandom } from '../seeded-random.js';

/** What there is to tell of a call. */
interface LeakedData {
  readonly id: string;
  readonly phoneNumber: string;
  readonly code: string;
  /** All of it, in one line. */
  readonly tale: string;
  /** All of it, by its names. */
  readonly tattle: object;
  readonly random: SeededRandom;
}

type Fault = (response: ServerResponse, hearsay: LeakedData) => void;

const STATUSES = [400, 401, 402, 403, 404, 409, 422, 429, 500, 502, 503];
/** Sinch's, that the service listens to: a wrong number, no credit, no such verification. */
const KNOWN_CODES = [40001, 40200, 40400];
const JSON_TYPE = { 'content-type': 'application/json' };
/** More than any client takes. */
const TOO_MANY_BYTES = 100_000;

/** An error in both vendors' shapes, with the tale wherever a text is. */
const refusal: Fault = (response, { id, phoneNumber, tale, tattle, random }) => {
  const [, digits = ''] = phoneNumber.split('+');
  const status = random.oneOf(STATUSES);
  response.writeHead(status, { ...JSON_TYPE, 'retry-after': digits, 'www-authenticate': tale });
  response.end(
    JSON.stringify({
      ...tattle,
      errorCode: random.oneOf([digits, tale, ...KNOWN_CODES]),
      message: tale,
      reference: id,
      description: tale,
      violations: [{ property: digits, violation: tale }, null],
      requestError: {
        serviceException: {
          messageId: random.oneOf([tale, 'NOT_FOUND']),
          text: tale,
          validationErrors: { [random.oneOf([digits, 'to'])]: [tale] },
        },
      },
    }),
  );
};

/** A page of whoever stands between, such as a proxy. */
const page: Fault = (response, { tale, random }) => {
  response.writeHead(random.oneOf([200, 404, 502]), { 'content-type': 'text/html' });
  response.end(`<title>${tale}</title>`);
};

/** Values of other types than the contract's. */
const otherTypes: Fault = (response, { tale, tattle }) => {
  const values = {
    pinId: { tale },
    id: [tale],
    smsStatus: tale,
    callStatus: [tale],
    ncStatus: tale,
    verified: tale,
    msisdn: { tale },
    status: tale,
    identity: tale,
  };
  response.writeHead(200, JSON_TYPE).end(JSON.stringify({ ...tattle, ...values }));
};

/** Success, but for another number. */
const mixUp: Fault = (response, { id, code, tale }) => {
  const others = { pinId: id, id, verified: true, status: 'SUCCESSFUL', msisdn: code, text: tale };
  const answer = { ...others, identity: { endpoint: code } };
  response.writeHead(200, JSON_TYPE).end(JSON.stringify(answer));
};

/** The tale in the status line. */
const statusLine: Fault = (response, { tale }) => {
  response.writeHead(500, tale).end(tale);
};

const elsewhere: Fault = (response, { tale }) => {
  response.writeHead(307, { location: `/told?tale=${encodeURIComponent(tale)}` }).end(tale);
};

const brokenOff: Fault = (response, { tale }) => {
  response.writeHead(200, { ...JSON_TYPE, 'content-length': 2 * tale.length + 1_000 });
  response.write(tale, () => response.destroy());
};

const notHttp: Fault = (response, { tale }) => {
  response.socket?.end(`${tale}\r\n\r\n`);
};

const endlessHeader: Fault = (response, { tale }) => {
  const header = tale.repeat(Math.ceil(TOO_MANY_BYTES / tale.length));
  response.socket?.end(`HTTP/1.1 200 OK\r\nx-told: ${header}\r\n\r\n`);
};

const hangUp: Fault = (response) => {
  response.destroy();
};

const silence: Fault = () => undefined;

/** What may go wrong with a call. */
export const FAULTS: readonly Fault[] = [
  refusal,
  refusal,
  refusal,
  page,
  otherTypes,
  mixUp,
  statusLine,
  elsewhere,
  brokenOff,
  notHttp,
  endlessHeader,
  hangUp,
  silence,
];
