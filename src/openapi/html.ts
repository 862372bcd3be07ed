/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

type Value = string | number | Html | readonly Html[];

/** HTML with values put in: text is escaped, what is HTML already is not. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html =>
  new Html(String.raw({ raw: parts }, ...values.map(textOf)));

function textOf(value: Value): string {
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('\n');
  return String(value).replace(/[&"'<>]/g, (character) => `&#${String(character.charCodeAt(0))};`);
}

/** The little of Markdown that descriptions use: paragraphs, lists, `code` and **weight**. */
export function prose(markdown: string): Html {
  const blocks = markdown.split(/\n{2,}/).map((block) => {
    if (!block.startsWith('- ')) return html`<p>${inline(block)}</p>`;
    const items = block.split(/^- /m).filter(Boolean);
    return html`<ul>
      ${items.map((item) => html`<li>${inline(item)}</li>`)}
    </ul>`;
  });
  return html`${blocks}`;
}

function inline(text: string): Html {
  const { text: escaped } = html`${text}`;
  return new Html(
    escaped
      .replace(/`([^`]+)`/g, '<code>$1</code>')
      .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>'),
  );
}
