import { randomInt } from 'node:crypto';

/**
 * The try-it page, and the three lines that take a newcomer from nothing to a verified code, ready to paste.
 * @param url where the service listens
 * @param sandboxUrl where the sandbox listens
 * @param needsKey whether callers show an API key; then the lines take it from `OTP_API_KEY`
 */
export function welcome(url: string, sandboxUrl: string, needsKey: boolean): string {
  // Another one at every start: a number gets only so many texts a day, over restarts too.
  const digits = `1415555${String(randomInt(1_000, 10_000))}`;
  const key = needsKey ? ` -H "authorization: Bearer $OTP_API_KEY"` : '';
  const json = `-H 'content-type: application/json'${key}`;
  const where = needsKey ? 'here, with OTP_API_KEY set' : `on ${url}/demo or here`;
  return `
The OTP service listens on ${url}. Texts go to the sandbox, not to phones. Try it ${where}:

PIN_ID=$(curl -s ${url}/otp/send ${json} -d '{"phoneNumber":"+${digits}"}' | grep -o '"pinId":"[^"]*' | cut -d'"' -f4)
CODE=$(curl -s '${sandboxUrl}/sandbox/messages?to=${digits}' | grep -o '"pin":"[^"]*' | head -n 1 | cut -d'"' -f4)
curl -s ${url}/otp/verify ${json} -d "{\\"pinId\\":\\"$PIN_ID\\",\\"otpCode\\":\\"$CODE\\"}"

`;
}
