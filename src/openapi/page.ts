import { readFileSync } from 'node:fs';
import { PROBLEM_MEDIA_TYPE } from '../http/problem.js';
import type { ApiDocument, Operation, Parameter, Response } from './document.js';
import { bodyExample, curlOf } from './examples.js';
import { TELLING_HEADERS } from './headers.js';
import { Html, html, prose } from './html.js';
import { jsonOf } from './operation.js';
import { PROBLEM } from './problem-responses.js';
import { bodyTables, headerTable } from './tables.js';

/** Beside this file: in the source as in a build. */
export const STYLE = readFileSync(new URL('./page/docs.css', import.meta.url), 'utf8');

/** One operation, and where it is. */
interface Call {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/** A page that shows the whole document, without a script and without anything from outside. */
export function renderPage(document: ApiDocument): string {
  const { info, tags } = document;
  const calls = callsOf(document);
  const groups = tags.map((tag) => ({
    ...tag,
    calls: calls.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title}: API</title>
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <nav aria-label="Calls">
          <p><a href="#top">${info.title}</a> <small>${info.version}</small></p>
          ${groups.map(
            ({ name, calls: ofTag }) =>
              html`<h2>${name}</h2>
                <ul>
                  ${ofTag.map(linkTo)}
                </ul>`,
          )}
          <p><a href="/docs-json">OpenAPI 3.1</a></p>
        </nav>
        <main id="top">
          <h1>${info.title}</h1>
          ${prose(info.description)}
          ${groups.map(
            ({ name, description, calls: ofTag }) =>
              html`<h2>${name}</h2>
                ${prose(description)}${ofTag.map((call) => section(call, document))}`,
          )}
          <h2>Shared by all</h2>
          ${headerTable('Headers of answers', TELLING_HEADERS)}
          ${bodyTables('Problem', jsonOf(PROBLEM), document)}
        </main>
      </body>
    </html> `;
  return page.text;
}

function callsOf({ paths }: ApiDocument): Call[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation,
    })),
  );
}

const linkTo = ({ operation: { operationId, summary } }: Call): Html =>
  html`<li><a href="#${operationId}">${summary}</a></li>`;

function section({ method, path, operation }: Call, document: ApiDocument): Html {
  const { operationId: id, summary, description, parameters = [], responses } = operation;
  const content = operation.requestBody?.content;
  const example = content && bodyExample(content, document);
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h3 id="${id}-title">${summary}</h3>
    <p class="route"><b>${method}</b> <code>${path}</code></p>
    ${prose(description)}
    <pre tabindex="0" aria-label="Example">${curlOf(method, path, operation, example)}</pre>
    ${headerTable('Parameters', byName(parameters))}
    ${content ? bodyTables('Body', content, document) : []}
    <h4>Answers</h4>
    ${Object.entries(responses).map(([status, response]) => answer(status, response, document))}
  </section>`;
}

const byName = (parameters: readonly Parameter[]) =>
  Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter]));

/** A success is shown, what else may come can be opened. */
function answer(
  status: string,
  { description, headers, content = {} }: Response,
  document: ApiDocument,
): Html {
  const names = Object.keys(headers).map((name) => `\`${name}\``);
  return html`<details ${new Html(Number(status) < 300 ? 'open' : '')}>
    <summary>${status}</summary>
    ${prose(description)} ${names.length === 0 ? [] : prose(`Headers: ${names.join(', ')}`)}
    ${PROBLEM_MEDIA_TYPE in content ? [] : bodyTables('Body', content, document)}
  </details>`;
}
