import { testWithInfobipSdk } from '../support/official-clients/infobip-sdk.js';
import { testWithSinchSdk } from '../support/official-clients/sinch-sdk.js';
import { startTestSandbox } from '../support/sandbox.js';

describe("Infobip's official SDK against the sandbox", () => {
  testWithInfobipSdk(startTestSandbox);
});

describe("Sinch's official SDK against the sandbox", () => {
  testWithSinchSdk(startTestSandbox);
});
