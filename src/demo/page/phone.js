/** The sandbox's phone: shows each text as it arrives. A product has none; its users have phones. */
const sandboxUrl = document.querySelector('meta[name="sandbox"]').content;
const number = document.getElementById('number');
const texts = document.getElementById('texts');
const signal = document.getElementById('signal');

let stream;
/** A stream that begins anew may repeat itself. */
let seen = new Set();

number.addEventListener('input', follow);
follow();

/** Becomes the phone with the number that is in the form. */
function follow() {
  stream?.close();
  texts.replaceChildren();
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
    if (!seen.has(data)) texts.append(bubble(JSON.parse(data)));
    seen.add(data);
    texts.scrollTo({ top: texts.scrollHeight });
  };
}

function bubble({ from, text, pin, sentAt }) {
  const time = new Date(sentAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const words = text.split(pin).flatMap((part, index) => (index ? [strong(pin), part] : [part]));
  const message = paragraph('text', ...words);
  const article = document.createElement('article');
  article.append(paragraph('from', `${from} · ${time}`), message);
  return article;
}

function strong(text) {
  const element = document.createElement('strong');
  element.textContent = text;
  return element;
}

function paragraph(className, ...content) {
  const element = document.createElement('p');
  element.className = className;
  element.append(...content);
  return element;
}
