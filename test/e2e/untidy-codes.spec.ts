import { expectProblem } from '../support/problem.js';
import { startSandboxedService, type SandboxedService } from '../support/service.js';

const CODE = '045678';

/** CODE as people type it, and as phones and forms paste it. */
const ACCEPTED: readonly (readonly [what: string, otpCode: string])[] = [
  ['a space in the middle', '045 678'],
  ['a hyphen in the middle', '045-678'],
  ['a space between all digits', '0 4 5 6 7 8'],
  ['spaces around it', ' 045678 '],
  ['a line break at the end', '045678\n'],
  ['a no-break space', '045\u00a0678'],
  ['a narrow no-break space', '045\u202f678'],
  ['an en dash', '045\u2013678'],
  ['a no-break hyphen', '045\u2011678'],
  ['a zero-width space', '045\u200b678'],
  ['a byte-order mark', '\ufeff045678'],
  ['bidirectional marks', '\u2066045678\u2069'],
  ['Arabic-Indic digits', '٠٤٥٦٧٨'],
  ['Persian digits', '۰۴۵۶۷۸'],
  ['Devanagari digits', '०४५६७८'],
  ['Bengali digits', '০৪৫৬৭৮'],
  ['Thai digits', '๐๔๕๖๗๘'],
  ['Myanmar digits and a space', '၀၄၅ ၆၇၈'],
  ['full-width digits', '０４５６７８'],
  ['mathematical bold digits', '𝟎𝟒𝟓𝟔𝟕𝟖'],
  ['digits of two scripts', '٠٤٥678'],
];

const REFUSED: readonly (readonly [what: string, otpCode: unknown, detail: string])[] = [
  ['a JSON number', 45678, 'leading zeros'],
  ['a code of three digits', '045', '4 to 10 digits or letters'],
  ['a code of eleven digits', '04567804567', '4 to 10 digits or letters'],
  ['raised digits', '⁰⁴⁵⁶⁷⁸', '4 to 10 digits or letters'],
  ['a code after a word', 'code: 045678', '4 to 10 digits or letters'],
  ['two lines', '045678\n123456', '4 to 10 digits or letters'],
  ['white space', ' \u00a0\u200b ', '4 to 10 digits or letters'],
  ['a very long text', ' '.repeat(8_000) + CODE, '4 to 10 digits or letters'],
];

/** The test number for an entry of ACCEPTED. */
const toNumber = (index: number): string => `+15550001${String(100 + index)}`;

describe('A code with an untidy spelling', () => {
  let service: SandboxedService;

  beforeAll(async () => {
    service = await startSandboxedService({
      THROTTLE_SEND_LIMIT: '1000',
      THROTTLE_VERIFY_LIMIT: '1000',
      TEST_NUMBERS: ACCEPTED.map((_, index) => `${toNumber(index)}:${CODE}`).join(','),
    });
  });

  afterAll(() => service.close());

  it.each(ACCEPTED.map((row, index) => [...row, toNumber(index)] as const))(
    'is accepted as the code (%s)',
    async (_what, otpCode, phoneNumber) => {
      await service.http.post('/otp/send').send({ phoneNumber }).expect(200);

      await service.http
        .post('/otp/verify')
        .send({ phoneNumber, otpCode })
        .expect(200, { verified: true });
    },
  );

  it.each(REFUSED)(
    'is refused with an error that describes the form of a code (%s)',
    async (_what, otpCode, detail) => {
      const response = await service.http
        .post('/otp/verify')
        .send({ phoneNumber: toNumber(0), otpCode });

      expectProblem(response, 400, 'validation_failed');
      expect(response.body.errors).toEqual([
        { pointer: '#/otpCode', detail: expect.stringContaining(detail) },
      ]);
    },
  );
});
