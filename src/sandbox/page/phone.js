/** Shows the messages of the sandbox as they arrive, newest first. */

const MAX_MESSAGES = 200;
const CHANNELS = {
  sms: 'SMS',
  voice: 'Voice call',
  email: 'E-mail',
  whatsapp: 'WhatsApp',
  flashcall: 'Flash call',
};
const PROVIDERS = { infobip: 'Infobip', sinch: 'Sinch' };

const recipientInput = document.getElementById('to');
const connection = document.getElementById('connection');
const messages = document.getElementById('messages');

/** The form reloads the page with this parameter. */
const to = new URLSearchParams(window.location.search).get('to') ?? '';
recipientInput.value = to;
for (const element of document.querySelectorAll('.base-url'))
  element.textContent = window.location.origin;
document.getElementById('delete').addEventListener('click', deleteMessages);
followMessages();

/** Shows the messages so far, then each new one. The browser reconnects by itself. */
function followMessages() {
  const stream = new EventSource(`sandbox/messages/stream?after=0&to=${encodeURIComponent(to)}`);
  stream.onopen = () => {
    connection.textContent = 'Connected. New messages appear here.';
  };
  stream.onerror = () => {
    connection.textContent =
      stream.readyState === EventSource.CLOSED
        ? 'Too many of these pages are open. Close some, then reload this one.'
        : 'No connection. Is the sandbox running?';
  };
  stream.onmessage = ({ data }) => {
    messages.prepend(createMessage(JSON.parse(data)));
    if (messages.children.length > MAX_MESSAGES) messages.lastElementChild.remove();
  };
}

async function deleteMessages() {
  try {
    await fetch('sandbox/messages', { method: 'DELETE' });
    messages.replaceChildren();
  } catch {
    connection.textContent = 'The messages were not deleted. Is the sandbox running?';
  }
}

function createMessage({ to: recipient, from, channel, text, pin, provider, sentAt }) {
  const article = document.createElement('article');
  const time = new Date(sentAt).toLocaleTimeString([], { timeStyle: 'medium' });
  const details = [CHANNELS[channel], PROVIDERS[provider], `from ${from}`, time].join(' · ');
  article.append(
    createParagraph('to', `To ${channel === 'email' ? '' : '+'}${recipient}`),
    createParagraph('details', details),
    createParagraph('text', ...emphasize(pin, text)),
  );
  return article;
}

/** Splits the text, with each occurrence of the PIN in an element of its own. */
function emphasize(pin, text) {
  return text.split(pin).flatMap((part, index) => (index ? [createStrong(pin), part] : [part]));
}

const createStrong = (text) =>
  Object.assign(document.createElement('strong'), { textContent: text });

function createParagraph(className, ...content) {
  const element = document.createElement('p');
  element.className = className;
  element.append(...content);
  return element;
}
