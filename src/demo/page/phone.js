/** The phone beside the form: shows the sandbox's messages as they arrive. Only the demo has it. */
const sandboxUrl = document.querySelector('meta[name="sandbox"]').content;
const number = document.getElementById('number');
const messages = document.getElementById('messages');
const signal = document.getElementById('signal');

let stream;
/** After a reconnect the stream may repeat messages. */
let seen = new Set();

number.addEventListener('input', showMessages);
showMessages();

/** Shows the messages to the number in the form. */
function showMessages() {
  stream?.close();
  messages.replaceChildren();
  seen = new Set();
  signal.textContent = 'Connecting…';
  const digits = number.value.replace(/\D/g, '');
  stream = new EventSource(`${sandboxUrl}/sandbox/messages/stream?to=${digits}`);
  stream.onopen = () => {
    signal.textContent = `This phone is +${digits}`;
  };
  stream.onerror = () => {
    signal.textContent = `No signal: is the sandbox at ${sandboxUrl} running?`;
  };
  stream.onmessage = ({ data }) => {
    if (!seen.has(data)) messages.append(createBubble(JSON.parse(data)));
    seen.add(data);
    messages.scrollTo({ top: messages.scrollHeight });
  };
}

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
