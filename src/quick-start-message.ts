import { randomInt } from 'node:crypto';

/**
 * The text that the start prints: the URL of the demo page, and three shell lines that send a code,
 * read it from the sandbox and verify it.
 * @param url base URL of the service
 * @param sandboxUrl base URL of the sandbox
 * @param needsKey whether requests need an API key; the lines then read it from `OTP_API_KEY`
 */
export function quickStartMessage(url: string, sandboxUrl: string, needsKey: boolean): string {
  // A random number, because the daily limits of a number outlive a restart.
  const digits = `1415555${String(randomInt(1_000, 10_000))}`;
  const authorization = needsKey ? ` -H "authorization: Bearer $OTP_API_KEY"` : '';
  const headers = `-H 'content-type: application/json'${authorization}`;
  const where = needsKey ? 'here, with OTP_API_KEY set' : `on ${url}/demo or here`;
  return `
The OTP service listens on ${url}. Messages go to the sandbox, not to phones. Try it ${where}:

PIN_ID=$(curl -s ${url}/otp/send ${headers} -d '{"phoneNumber":"+${digits}"}' | grep -o '"pinId":"[^"]*' | cut -d'"' -f4)
CODE=$(curl -s '${sandboxUrl}/sandbox/messages?to=${digits}' | grep -o '"pin":"[^"]*' | head -n 1 | cut -d'"' -f4)
curl -s ${url}/otp/verify ${headers} -d "{\\"pinId\\":\\"$PIN_ID\\",\\"otpCode\\":\\"$CODE\\"}"

`;
}
