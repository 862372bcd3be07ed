import { keepDigits } from './digits.js';

/** The simulated phone beside the form: shows the sandbox's messages as they arrive. */
const sandboxUrl = document.querySelector('meta[name="sandbox"]').content;
const numberInput = document.getElementById('number');
const messages = document.getElementById('messages');
const signalStatus = document.getElementById('signal');

let stream;
/** After a reconnect the stream may repeat messages. */
let seen = new Set();

numberInput.addEventListener('input', showMessages);
showMessages();

/** Shows the messages to the number in the form, and follows new ones. */
function showMessages() {
  stream?.close();
  messages.replaceChildren();
  seen = new Set();
  signalStatus.textContent = 'Connecting…';
  const digits = keepDigits(numberInput.value);
  stream = new EventSource(`${sandboxUrl}/sandbox/messages/stream?to=${digits}`);
  stream.onopen = () => {
    signalStatus.textContent = `This phone is +${digits}`;
  };
  stream.onerror = () => {
    signalStatus.textContent = `No signal: is the sandbox at ${sandboxUrl} running?`;
  };
  stream.onmessage = ({ data }) => {
    if (!seen.has(data)) messages.append(createBubble(JSON.parse(data)));
    seen.add(data);
    messages.scrollTo({ top: messages.scrollHeight });
  };
}

/** Makes the PIN bold wherever it occurs in the text. */
function createBubble({ from, text, pin, sentAt }) {
  const time = new Date(sentAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const parts = text
    .split(pin)
    .flatMap((part, index) => (index ? [createStrong(pin), part] : [part]));
  const article = document.createElement('article');
  article.append(createParagraph('from', `${from} · ${time}`), createParagraph('text', ...parts));
  return article;
}

function createStrong(text) {
  const element = document.createElement('strong');
  element.textContent = text;
  return element;
}

function createParagraph(className, ...content) {
  const element = document.createElement('p');
  element.className = className;
  element.append(...content);
  return element;
}
