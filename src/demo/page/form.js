import { post } from './api.js';
import { endOf, failure, span } from './words.js';

const element = (id) => document.getElementById(id);
const [number, code, again, status] = ['number', 'code', 'again', 'status'].map(element);
const steps = ['number-step', 'code-step', 'verified-step'].map(element);
const [numberStep, codeStep, verifiedStep] = steps;
const marks = document.querySelectorAll('.steps li');

/** What the last send answered; its code may have ended. */
let sent = { pinId: '', to: '', ended: false };
/** One request at a time: an impatient second click asks for nothing. */
let busy = false;

numberStep.addEventListener('submit', act('Sending a code…', send));
codeStep.addEventListener('submit', act('Checking the code…', verify));
again.addEventListener('click', act('Sending again…', sendAgain));
element('change').addEventListener('click', act('', startOver));
element('restart').addEventListener('click', act('', startOver));
// "123 456", pasted or typed, is a code too.
code.addEventListener('input', () => {
  if (/\D/.test(code.value)) code.value = code.value.replace(/\D/g, '');
});

// Fictional numbers, reserved for examples. Not always the same: each has its own limits.
number.value = `+1 415 555 01${String(Math.floor(Math.random() * 100)).padStart(2, '0')}`;
number.focus();

function act(saying, work) {
  return async (event) => {
    event.preventDefault();
    if (busy || event.currentTarget.ariaDisabled === 'true') return;
    busy = true;
    document.body.dataset.busy = '';
    say(saying);
    await work().catch(complain);
    delete document.body.dataset.busy;
    busy = false;
  };
}

async function send() {
  await entered(await post('/otp/send', { phoneNumber: number.value }));
}

/** The same code once more, or a new one if it has ended. */
async function sendAgain() {
  if (sent.ended) return send();
  await entered(await post('/otp/resend', { pinId: sent.pinId }));
}

function entered(answer) {
  const { to, now, expiresAt, resendAvailableAt } = answer;
  sent = { ...answer, ended: false };
  say(`Sent a code to ${to}. It is valid for ${span((Date.parse(expiresAt) - now) / 1000)}.`);
  coolDown((Date.parse(resendAvailableAt) - now) / 1000);
  element('entry').hidden = false;
  code.value = '';
  show(codeStep, code);
  void readFromText();
}

async function verify() {
  stopReading();
  const answer = await post('/otp/verify', { pinId: sent.pinId, otpCode: code.value });
  const { verified, reason, attemptsRemaining } = answer;
  if (verified) {
    say(`${sent.to} is verified.`, 'good');
    show(verifiedStep, element('restart'));
  } else if (reason === 'wrong_code' && attemptsRemaining > 0) {
    const tries = attemptsRemaining === 1 ? '1 try' : `${attemptsRemaining} tries`;
    say(`That is not the code. You have ${tries} left.`, 'bad');
    code.ariaInvalid = 'true';
    code.select();
  } else {
    end(endOf(reason));
  }
}

/** The code has ended: what is left to do is to send a new one. */
function end(saying) {
  sent.ended = true;
  say(saying, 'bad');
  element('entry').hidden = true;
  label();
  again.focus();
}

async function startOver() {
  stopReading();
  say('Enter a number, and it gets a text with a code.');
  show(numberStep, number);
  number.select();
}

function complain(error) {
  if (['verification_not_found', 'not_resendable'].includes(error.code)) {
    end(failure(error));
    return;
  }
  say(failure(error), 'bad');
  if (error.retryAfter) coolDown(error.retryAfter);
  if (error.code === 'validation_failed') {
    const field = numberStep.hidden ? code : number;
    field.ariaInvalid = 'true';
    field.focus();
  }
}

function say(text, tone = 'plain') {
  status.textContent = text;
  status.dataset.tone = tone;
  number.ariaInvalid = code.ariaInvalid = null;
}

function show(step, focus) {
  steps.forEach((each, index) => {
    each.hidden = each !== step;
    marks[index].ariaCurrent = each === step ? 'step' : null;
  });
  focus.focus();
}

let coolUntil = 0;
let ticking;

/** Counts down on the button. It keeps its focus meanwhile, which `disabled` would take away. */
function coolDown(seconds) {
  coolUntil = Date.now() + seconds * 1000;
  label();
}

function label() {
  const seconds = Math.ceil((coolUntil - Date.now()) / 1000);
  const name = sent.ended ? 'Send a new code' : 'Send again';
  again.ariaDisabled = String(seconds > 0);
  again.textContent = seconds > 0 ? `${name} in ${span(seconds)}` : name;
  clearTimeout(ticking);
  if (seconds > 0) ticking = setTimeout(label, 1000);
}

let reading = new AbortController();

function stopReading() {
  reading.abort();
}

/** WebOTP, where the browser has it: it offers the code of a text that names this site. */
async function readFromText() {
  stopReading();
  if (!('OTPCredential' in window)) return;
  reading = new AbortController();
  const { signal } = reading;
  const text = await navigator.credentials
    .get({ otp: { transport: ['sms'] }, signal })
    .catch(() => undefined);
  if (!text || signal.aborted) return;
  code.value = text.code;
  codeStep.requestSubmit();
}
