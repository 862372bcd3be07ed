import { post } from './api.js';
import { keepDigits } from './digits.js';
import { describeError, describeReason, formatSeconds } from './messages.js';

const element = (id) => document.getElementById(id);
const [numberInput, codeInput, resendButton, status] = ['number', 'code', 'resend', 'status'].map(
  element,
);
const steps = ['number-step', 'code-step', 'verified-step'].map(element);
const [numberStep, codeStep, verifiedStep] = steps;
const progress = document.querySelectorAll('.steps li');

/** The response to the last send, and whether its code can still be verified. */
let sent = { pinId: '', to: '', isVerifiable: false };
/** Only one request runs at a time; a second click does nothing. */
let isBusy = false;

numberStep.addEventListener('submit', handle('Sending a code…', send));
codeStep.addEventListener('submit', handle('Checking the code…', verify));
resendButton.addEventListener('click', handle('Sending again…', resend));
element('change').addEventListener('click', handle('', startOver));
element('restart').addEventListener('click', handle('', startOver));
// While an input method composes full-width digits, a new value would end the composition.
codeInput.addEventListener('input', ({ isComposing }) => {
  if (!isComposing) tidyCode();
});
codeInput.addEventListener('compositionend', tidyCode);

// Numbers reserved for fiction. Random, because each number has its own limits.
numberInput.value = `+1 415 555 01${String(Math.floor(Math.random() * 100)).padStart(2, '0')}`;
numberInput.focus();

/** Creates an event handler that shows `message` while `work` runs. */
function handle(message, work) {
  return async (event) => {
    event.preventDefault();
    if (isBusy || event.currentTarget.ariaDisabled === 'true') return;
    isBusy = true;
    document.body.dataset.busy = '';
    setStatus(message);
    await work().catch(showError);
    delete document.body.dataset.busy;
    isBusy = false;
  };
}

/** Accepts "123 456" and digits of any script, pasted or typed. Keeps the caret if nothing changes. */
function tidyCode() {
  const digits = keepDigits(codeInput.value);
  if (codeInput.value !== digits) codeInput.value = digits;
}

async function send() {
  await showCodeStep(await post('/otp/send', { phoneNumber: numberInput.value }));
}

/** Resends the same code, or sends a new one if it can no longer be verified. */
async function resend() {
  if (!sent.isVerifiable) return send();
  await showCodeStep(await post('/otp/resend', { pinId: sent.pinId }));
}

function showCodeStep(response) {
  const { to, serverTimeMs, expiresAt, resendAvailableAt } = response;
  sent = { ...response, isVerifiable: true };
  const validSeconds = (Date.parse(expiresAt) - serverTimeMs) / 1000;
  setStatus(`Sent a code to ${to}. It is valid for ${formatSeconds(validSeconds)}.`);
  startCooldown((Date.parse(resendAvailableAt) - serverTimeMs) / 1000);
  element('code-entry').hidden = false;
  codeInput.value = '';
  showStep(codeStep, codeInput);
  void readCodeFromSms();
}

async function verify() {
  stopReadingSms();
  const response = await post('/otp/verify', { pinId: sent.pinId, otpCode: codeInput.value });
  const { verified, reason, attemptsRemaining } = response;
  if (verified) {
    setStatus(`${sent.to} is verified.`, 'good');
    showStep(verifiedStep, element('restart'));
  } else if (reason === 'wrong_code' && attemptsRemaining > 0) {
    const tries = attemptsRemaining === 1 ? '1 try' : `${attemptsRemaining} tries`;
    setStatus(`That is not the code. You have ${tries} left.`, 'bad');
    codeInput.ariaInvalid = 'true';
    codeInput.select();
  } else {
    endCode(describeReason(reason));
  }
}

/** The code can no longer be verified; the user can only send a new one. */
function endCode(message) {
  sent.isVerifiable = false;
  setStatus(message, 'bad');
  element('code-entry').hidden = true;
  updateResendLabel();
  resendButton.focus();
}

async function startOver() {
  stopReadingSms();
  setStatus('Enter a phone number. It gets a message with a code.');
  showStep(numberStep, numberInput);
  numberInput.select();
}

function showError(error) {
  if (['verification_not_found', 'not_resendable'].includes(error.code)) {
    endCode(describeError(error));
    return;
  }
  setStatus(describeError(error), 'bad');
  if (error.retryAfter) startCooldown(error.retryAfter);
  if (error.code === 'validation_failed') {
    const field = numberStep.hidden ? codeInput : numberInput;
    field.ariaInvalid = 'true';
    field.focus();
  }
}

function setStatus(text, tone = 'plain') {
  status.textContent = text;
  status.dataset.tone = tone;
  numberInput.ariaInvalid = codeInput.ariaInvalid = null;
}

function showStep(step, focus) {
  steps.forEach((each, index) => {
    each.hidden = each !== step;
    progress[index].ariaCurrent = each === step ? 'step' : null;
  });
  focus.focus();
}

let cooldownEndsAt = 0;
let labelTimer;

/** Disables the resend button with `aria-disabled`: unlike `disabled`, that keeps the focus on it. */
function startCooldown(seconds) {
  cooldownEndsAt = performance.now() + seconds * 1000;
  updateResendLabel();
}

function updateResendLabel() {
  const seconds = Math.ceil((cooldownEndsAt - performance.now()) / 1000);
  const name = sent.isVerifiable ? 'Send again' : 'Send a new code';
  resendButton.ariaDisabled = String(seconds > 0);
  resendButton.textContent = seconds > 0 ? `${name} in ${formatSeconds(seconds)}` : name;
  clearTimeout(labelTimer);
  if (seconds > 0) labelTimer = setTimeout(updateResendLabel, 1000);
}

let smsReading = new AbortController();

function stopReadingSms() {
  smsReading.abort();
}

/** WebOTP, if the browser supports it: offers the code of an SMS that names this site. */
async function readCodeFromSms() {
  stopReadingSms();
  if (!('OTPCredential' in window)) return;
  smsReading = new AbortController();
  const { signal } = smsReading;
  const sms = await navigator.credentials
    .get({ otp: { transport: ['sms'] }, signal })
    .catch(() => undefined);
  if (!sms || signal.aborted) return;
  codeInput.value = keepDigits(sms.code);
  codeStep.requestSubmit();
}
