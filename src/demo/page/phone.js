import { get } from './api.js';
import { PHONE } from './messages.js';
import { createStrong } from './view.js';

/* The phone beside the form, which stands for the visitor's own. */

const messages = document.getElementById('messages');
const signal = document.getElementById('signal');

/** The messages that are shown; the back end lists them oldest first. */
let shown = [];
let lastRequest = 0;

/** Shows the messages to the number of this session. A send is over when its message has arrived. */
export async function showMessages() {
  const request = ++lastRequest;
  const received = await get('/demo/messages').catch(() => undefined);
  if (request !== lastRequest) return;
  if (!received) {
    signal.textContent = PHONE.noSignal;
    return;
  }
  signal.textContent = received.length > 0 ? PHONE.explanation : PHONE.empty;
  const isSameNumber = shown.every((message, index) => isEqual(message, received[index]));
  if (!isSameNumber) messages.replaceChildren();
  messages.append(...received.slice(isSameNumber ? shown.length : 0).map(createBubble));
  messages.scrollTo({ top: messages.scrollHeight });
  shown = received;
}

const isEqual = (message, other) => JSON.stringify(message) === JSON.stringify(other);

/** Makes the code bold wherever it occurs in the text. */
function createBubble({ from, text, code, sentAt }) {
  const time = new Date(sentAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const parts = text
    .split(code)
    .flatMap((part, index) => (index ? [createStrong(code), part] : [part]));
  const article = document.createElement('article');
  article.append(createParagraph('from', `${from} · ${time}`), createParagraph('text', ...parts));
  return article;
}

function createParagraph(className, ...content) {
  const element = document.createElement('p');
  element.className = className;
  element.append(...content);
  return element;
}
