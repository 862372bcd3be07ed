import type { ServerResponse } from 'node:http';
import type { SeededRandom } from '../seeded-random.js';

/** The secrets that the response to a faulty call repeats. */
interface LeakedData {
  readonly id: string;
  readonly phoneNumber: string;
  readonly code: string;
  /** All these secrets, in one line. */
  readonly sentence: string;
  /** All these secrets, as the fields of an object. */
  readonly fields: object;
  readonly random: SeededRandom;
}

type Fault = (response: ServerResponse, data: LeakedData) => void;

const STATUSES = [400, 401, 402, 403, 404, 409, 422, 429, 500, 502, 503];
/** Error codes of Sinch that the service maps: wrong number, no credit, no such verification. */
const SINCH_CODES = [40001, 40200, 40400];
const JSON_TYPE = { 'content-type': 'application/json' };
/** More than any HTTP client accepts in a header. */
const OVERSIZED_HEADER_BYTES = 100_000;

/** An error in the format of both providers, with the sentence in every text field. */
const errorResponse: Fault = (response, { id, phoneNumber, sentence, fields, random }) => {
  const [, digits = ''] = phoneNumber.split('+');
  const status = random.oneOf(STATUSES);
  response.writeHead(status, { ...JSON_TYPE, 'retry-after': digits, 'www-authenticate': sentence });
  response.end(
    JSON.stringify({
      ...fields,
      errorCode: random.oneOf([digits, sentence, ...SINCH_CODES]),
      message: sentence,
      reference: id,
      description: sentence,
      violations: [{ property: digits, violation: sentence }, null],
      requestError: {
        serviceException: {
          messageId: random.oneOf([sentence, 'NOT_FOUND']),
          text: sentence,
          validationErrors: { [random.oneOf([digits, 'to'])]: [sentence] },
        },
      },
    }),
  );
};

/** A page of a proxy between the service and the provider. */
const htmlPage: Fault = (response, { sentence, random }) => {
  response.writeHead(random.oneOf([200, 404, 502]), { 'content-type': 'text/html' });
  response.end(`<title>${sentence}</title>`);
};

/** Values of undocumented types. */
const wrongTypes: Fault = (response, { sentence, fields }) => {
  const values = {
    pinId: { sentence },
    id: [sentence],
    smsStatus: sentence,
    callStatus: [sentence],
    ncStatus: sentence,
    verified: sentence,
    msisdn: { sentence },
    status: sentence,
    identity: sentence,
  };
  response.writeHead(200, JSON_TYPE).end(JSON.stringify({ ...fields, ...values }));
};

/** Success, but for a wrong number: the code is in its place. */
const wrongNumber: Fault = (response, { id, code, sentence }) => {
  const values = {
    pinId: id,
    id,
    verified: true,
    status: 'SUCCESSFUL',
    msisdn: code,
    text: sentence,
  };
  const result = { ...values, identity: { endpoint: code } };
  response.writeHead(200, JSON_TYPE).end(JSON.stringify(result));
};

/** The sentence in the status line. */
const statusLine: Fault = (response, { sentence }) => {
  response.writeHead(500, sentence).end(sentence);
};

const redirect: Fault = (response, { sentence }) => {
  response.writeHead(307, { location: `/leak?text=${encodeURIComponent(sentence)}` }).end(sentence);
};

const incompleteBody: Fault = (response, { sentence }) => {
  response.writeHead(200, { ...JSON_TYPE, 'content-length': 2 * sentence.length + 1_000 });
  response.write(sentence, () => response.destroy());
};

const notHttp: Fault = (response, { sentence }) => {
  response.socket?.end(`${sentence}\r\n\r\n`);
};

const oversizedHeader: Fault = (response, { sentence }) => {
  const header = sentence.repeat(Math.ceil(OVERSIZED_HEADER_BYTES / sentence.length));
  response.socket?.end(`HTTP/1.1 200 OK\r\nx-leaked: ${header}\r\n\r\n`);
};

const dropConnection: Fault = (response) => {
  response.destroy();
};

const noResponse: Fault = () => undefined;

/** The faults, chosen at random. An error response is the most frequent. */
export const FAULTS: readonly Fault[] = [
  errorResponse,
  errorResponse,
  errorResponse,
  htmlPage,
  wrongTypes,
  wrongNumber,
  statusLine,
  redirect,
  incompleteBody,
  notHttp,
  oversizedHeader,
  dropConnection,
  noResponse,
];
