import type { ApiDocument, Content, Header, Schema } from './document.js';
import { resolve, variantsOf } from './examples.js';
import { html, prose, type Html } from './html.js';

/** One line of a table. */
interface Row {
  readonly name: string;
  readonly required: boolean;
  readonly schema: Schema;
  readonly description: string;
}

/** Headers, or what else goes by a name; nothing where there are none. */
export function headerTable(title: string, headers: Readonly<Record<string, Header>>): Html[] {
  const rows = Object.entries(headers).map(([name, { required = false, ...rest }]) => ({
    name,
    required,
    ...rest,
  }));
  return rows.length === 0 ? [] : [table(title, rows)];
}

/** The fields of a body, once for each form that it may have. */
export function bodyTables(title: string, content: Content, document: ApiDocument): Html[] {
  return variantsOf(content, document).map(({ description, required = [], properties = {} }, i) =>
    table(
      `${i === 0 ? title : 'Or'}: ${description ?? ''}`,
      Object.entries(properties).map(([name, property]) => {
        const schema = resolve(property, document);
        const { description: about = '' } = schema;
        return { name, required: required.includes(name), schema, description: about };
      }),
    ),
  );
}

const table = (title: string, rows: readonly Row[]): Html =>
  html`<table>
    <caption>
      ${title}
    </caption>
    <thead>
      <tr>
        <th scope="col">Name</th>
        <th scope="col">Type</th>
        <th scope="col">Meaning</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(row)}
    </tbody>
  </table>`;

const row = ({ name, required, schema, description }: Row): Html =>
  html`<tr>
    <th scope="row"><code>${name}</code>${required ? [] : [html` <small>optional</small>`]}</th>
    <td>${typeOf(schema)}</td>
    <td>${prose(description)}${exampleOf(schema)}</td>
  </tr>`;

function typeOf({ type = 'string', const: constant, format }: Schema): string {
  if (constant !== undefined) return JSON.stringify(constant);
  return [[type].flat().join(' or '), format].filter(Boolean).join(', ');
}

/** Of a word its list of meanings is example enough. */
function exampleOf({ examples = [], enum: words }: Schema): Html[] {
  const [example] = words ? [] : examples;
  if (example === undefined) return [];
  return [html`<p class="example"><code>${JSON.stringify(example)}</code></p>`];
}
