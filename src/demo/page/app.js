import { get, post } from './api.js';
import { keepDigits } from './digits.js';
import { createWorkingNumber, listExamples } from './examples.js';
import {
  describeError,
  describeExample,
  describeWrongCode,
  INCOMPLETE_CODE,
  NUMBER_HINT,
  SENT_AGAIN,
  SESSION_OVER,
} from './messages.js';
import { showMessages } from './phone.js';
import { readCodeFromSms, stopReadingSms } from './sms.js';
import { clearNotes, element, focusStep, hold, setBusy, showNote, showStep } from './view.js';

/*
 * The session on the server knows which step comes next. The page shows it, except where the visitor
 * went back to the number: the entry in the browser's history remembers that.
 */

const numberInput = element('number');
const codeInput = element('code');
const hint = element('number-hint');

/** The last answer of the back end about the session. */
let session = { step: 'number' };
/** Only one request runs at a time; a second click does nothing. */
let isBusy = false;
let expiryTimer;

const isBackAtNumber = () => window.history.state?.view === 'number';
const rememberView = (view) => window.history.replaceState(view && { view }, '');

element('number-step').addEventListener('submit', handle('send', 'number-note', send));
element('code-step').addEventListener('submit', handle('verify', 'code-note', verify));
element('resend').addEventListener('click', handle('resend', 'resend-note', resend));
element('change').addEventListener('click', goToNumber);
element('restart').addEventListener('click', goToNumber);
numberInput.addEventListener('input', () => setNumber(numberInput.value, NUMBER_HINT));
// While an input method composes full-width digits, a new value would end the composition.
codeInput.addEventListener('input', ({ isComposing }) => {
  if (!isComposing) tidyCode();
});
codeInput.addEventListener('compositionend', tidyCode);

window.addEventListener('popstate', () => {
  // The first entry was made before there was a code: someone came back to it.
  if (!window.history.state) rememberView('number');
  refresh();
});
// A page that the browser kept in memory, or whose timers slept, may show an old step.
window.addEventListener('pageshow', ({ persisted }) => persisted && refresh());
document.addEventListener('visibilitychange', () => document.hidden || refresh());

listExamples(element('examples'), (number, outcome) => {
  setNumber(number, describeExample(outcome));
  numberInput.focus();
});
setNumber(createWorkingNumber(), NUMBER_HINT);
refresh();

/** Asks for the step of the session, and shows it. */
async function refresh() {
  if (isBusy) return;
  const before = session;
  const state = await get('/demo/state').catch(() => session);
  // A request of the visitor that has started since then knows better.
  if (isBusy || session !== before) return;
  show(state);
  void showMessages();
}

/** Shows a step. Does not disturb the visitor if it is shown already. */
function show(state) {
  const hasEnded = session.step !== 'number' && state.step === 'number';
  session = state;
  if (state.step !== 'number' && !window.history.state) rememberView('session');
  const shown = isBackAtNumber() ? { step: 'number' } : state;
  if (showStep(shown)) {
    clearNotes();
    focusStep(shown.step);
    if (shown.step === 'code') void readCodeFromSms(submitCode);
    else stopReadingSms();
    if (hasEnded) showNote('number-note', SESSION_OVER);
  }
  clearTimeout(expiryTimer);
  // A little later, so that the code has expired then.
  const { validForSeconds } = shown;
  if (validForSeconds) expiryTimer = setTimeout(refresh, validForSeconds * 1000 + 200);
}

/** Creates the handler of a button: it runs `work`, and shows a failure at `noteId`. */
function handle(name, noteId, work) {
  return async (event) => {
    event.preventDefault();
    if (isBusy || element(name).ariaDisabled === 'true') return;
    isBusy = true;
    clearNotes();
    setBusy(name);
    const error = await work().catch((thrown) => thrown);
    isBusy = false;
    setBusy('');
    if (error) await showError(error, name, noteId);
  };
}

async function send() {
  // If the page is reloaded now, the session decides which step is shown.
  rememberView(null);
  try {
    const state = await post('/demo/send', { phoneNumber: numberInput.value });
    window.history.pushState({ view: 'session' }, '');
    show(state);
  } catch (error) {
    rememberView('number');
    throw error;
  } finally {
    void showMessages();
  }
}

async function resend() {
  const wasPending = session.step === 'code';
  try {
    show(await post('/demo/resend', {}));
    if (wasPending && session.step === 'code') {
      focusStep('code');
      showNote('resend-note', SENT_AGAIN, { tone: 'good' });
    }
  } finally {
    void showMessages();
  }
}

async function verify() {
  if (codeInput.value.length < 4) {
    showNote('code-note', INCOMPLETE_CODE, { field: codeInput });
    codeInput.focus();
    return;
  }
  stopReadingSms();
  const state = await post('/demo/verify', { code: codeInput.value });
  show(state);
  if (state.triesLeft) {
    showNote('code-note', describeWrongCode(state.triesLeft), { field: codeInput });
    codeInput.focus();
    codeInput.select();
  }
}

async function showError(error, name, noteId) {
  const { text, isField } = describeError(error, name, numberInput.value);
  const field = isField ? { send: numberInput, verify: codeInput }[name] : undefined;
  showNote(noteId, text, { field });
  field?.focus();
  // The code may be over: the session knows.
  if (name !== 'send') await refresh();
  hold(name, error.retryAfter ?? 0);
}

function submitCode(code) {
  codeInput.value = code;
  element('code-step').requestSubmit();
}

/** Another number can be sent to at once, so what is said about the last one no longer counts. */
function setNumber(number, text) {
  if (numberInput.value !== number) numberInput.value = number;
  hint.textContent = text;
  clearNotes();
  hold('send', 0);
}

function goToNumber() {
  if (isBusy) return;
  window.history.pushState({ view: 'number' }, '');
  show(session);
}

/** Accepts "123 456" and digits of any script, pasted or typed. Keeps the caret if nothing changes. */
function tidyCode() {
  const digits = keepDigits(codeInput.value);
  if (codeInput.value !== digits) codeInput.value = digits;
}
