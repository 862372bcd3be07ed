import {
  describeCodeField,
  describeResend,
  describeStep,
  formatSeconds,
  MAX_COUNTDOWN_SECONDS,
} from './messages.js';

/* Shows one step at a time, its notes, and buttons that count down. */

export const element = (id) => document.getElementById(id);

/** The parts that each step shows, below its title. */
const PARTS = {
  number: ['number-step'],
  code: ['code-step', 'again'],
  over: ['again'],
  verified: ['restart'],
};
const PROGRESS = { number: 0, code: 1, over: 1, verified: 2 };

const main = document.querySelector('main');
const title = element('title');
const lead = element('lead');
const code = element('code');

/** @param state as the back end describes it. @returns whether another step was shown before */
export function showStep(state) {
  const { step } = state;
  const isChange = main.dataset.step !== step;
  main.dataset.step = step;
  const text = describeStep(state);
  title.textContent = text.title;
  document.title = `${text.title} · OTP service demo`;
  lead.replaceChildren(
    ...text.lead.map((part) => (Array.isArray(part) ? createStrong(part[0]) : part)),
  );
  for (const id of Object.values(PARTS).flat()) element(id).hidden = !PARTS[step].includes(id);
  document.querySelectorAll('.steps li').forEach((item, index) => {
    item.ariaCurrent = index === PROGRESS[step] ? 'step' : null;
    item.toggleAttribute('data-done', index < PROGRESS[step]);
  });
  element('code-label').textContent = describeCodeField(state.codeLength);
  buttons.resend.label = describeResend(state);
  element('resend').classList.toggle('quiet', step !== 'over');
  hold('resend', state.resendInSeconds ?? 0);
  return isChange;
}

/** Clears the code, and moves the focus to where the step goes on. */
export function focusStep(step) {
  code.value = '';
  const target = { number: element('number'), code }[step] ?? title;
  target.focus();
  if (step === 'number') target.select();
}

const notes = ['number-note', 'code-note', 'resend-note'].map(element);

/** Shows the only note of the page, where it belongs. @param options `field` is marked as invalid */
export function showNote(id, text, { field, tone = 'bad' } = {}) {
  clearNotes();
  element(id).textContent = text;
  element(id).dataset.tone = tone;
  if (field) field.ariaInvalid = 'true';
}

export function clearNotes() {
  for (const note of notes) note.textContent = '';
  for (const field of document.querySelectorAll('[aria-invalid]')) field.ariaInvalid = null;
}

const createButton = (id, busyLabel) => ({
  id,
  label: element(id).textContent,
  busyLabel,
  readyAt: 0,
});
const buttons = {
  send: createButton('send', 'Sending…'),
  resend: createButton('resend', 'Sending…'),
  verify: createButton('verify', 'Checking…'),
};
let busy = '';
let timer;

/** Marks the button whose request runs; empty if none does. */
export function setBusy(name) {
  busy = name;
  document.body.toggleAttribute('data-busy', name !== '');
  element('progress').textContent = buttons[name]?.busyLabel ?? '';
  updateButtons();
}

/** Disables a button for a time, which it counts down. A longer one is named in a note instead. */
export function hold(name, seconds) {
  const shown = seconds > MAX_COUNTDOWN_SECONDS && name !== 'resend' ? 0 : seconds;
  buttons[name].readyAt = performance.now() + shown * 1000;
  updateButtons();
}

/** With `aria-disabled`: unlike `disabled`, that keeps the focus on the button. */
function updateButtons() {
  clearTimeout(timer);
  for (const { id, label, busyLabel, readyAt } of Object.values(buttons)) {
    const seconds = Math.ceil((readyAt - performance.now()) / 1000);
    element(id).ariaDisabled = String(seconds > 0);
    element(id).textContent =
      busy === id ? busyLabel : seconds > 0 ? `${label} in ${formatWait(seconds)}` : label;
    if (seconds > 0) timer = setTimeout(updateButtons, 1000);
  }
}

/** A cooldown may be an hour long. */
const formatWait = (seconds) =>
  seconds > MAX_COUNTDOWN_SECONDS ? `${Math.ceil(seconds / 60)} minutes` : formatSeconds(seconds);

export const createStrong = (text) =>
  Object.assign(document.createElement('strong'), { textContent: text });
