const find = (id) => document.getElementById(id);
const [numberForm, codeForm, signOut] = ['number-form', 'code-form', 'sign-out'].map(find);
const [status, number, code, resend] = ['status', 'number', 'code', 'resend'].map(find);

/** Sends one request at a time, so a double click sends nothing twice. */
let isBusy = false;
let countdown;

async function call(method, path, body) {
  if (isBusy) return;
  isBusy = true;
  try {
    const response = await fetch(path, {
      method,
      headers: body && { 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.ok) showStep(answer);
    else showProblem(answer);
  } catch {
    showProblem({ message: 'There is no connection. Try again.' });
  } finally {
    isBusy = false;
  }
}

/** Shows what the session says, so reload and the back button show the same step. */
function showStep({ step, sentTo, resendInSeconds }) {
  numberForm.hidden = step !== 'number';
  codeForm.hidden = step !== 'code';
  signOut.hidden = step !== 'verified';
  [number, code].forEach((field) => {
    field.value = '';
    field.removeAttribute('aria-invalid');
  });
  if (step === 'number') showStatus('', number);
  if (step === 'code') {
    showStatus(`We sent a code to ${sentTo}.`, code);
    countDown(resendInSeconds);
  }
  if (step === 'verified') showStatus('You are signed in.', signOut);
}

function showProblem({ message, retryAfterSeconds }) {
  const field = numberForm.hidden ? code : number;
  field.setAttribute('aria-invalid', 'true');
  field.select();
  showStatus(message, field);
  if (retryAfterSeconds && !codeForm.hidden) countDown(retryAfterSeconds);
}

function showStatus(text, focused) {
  status.textContent = text;
  focused.focus();
}

/** The button keeps its focus while it waits: aria-disabled, not disabled. */
function countDown(seconds) {
  clearInterval(countdown);
  const endsAt = Date.now() + seconds * 1_000;
  const show = () => {
    const left = Math.ceil((endsAt - Date.now()) / 1_000);
    resend.ariaDisabled = String(left > 0);
    resend.textContent = left > 0 ? `Send again in ${left} s` : 'Send again';
    if (left <= 0) clearInterval(countdown);
  };
  countdown = setInterval(show, 1_000);
  show();
}

numberForm.addEventListener('submit', (event) => {
  event.preventDefault();
  call('POST', 'send-otp', { phoneNumber: number.value });
});
codeForm.addEventListener('submit', (event) => {
  event.preventDefault();
  call('POST', 'verify-otp', { code: code.value });
});
resend.addEventListener('click', () => {
  if (resend.ariaDisabled !== 'true') call('POST', 'resend-otp');
});
[find('start-over'), signOut].forEach((button) =>
  button.addEventListener('click', () => call('POST', 'start-over')),
);
// Also fires when the back button shows the page again.
window.addEventListener('pageshow', () => call('GET', 'session'));
