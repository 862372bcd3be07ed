/** A request of a `.http` file, with its variables unresolved. */
export interface HttpFileRequest {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

export interface HttpFile {
  readonly variables: Record<string, string>;
  readonly requests: readonly HttpFileRequest[];
}

/** Reads what REST Client and Visual Studio have in common: `@variables`, `###` and `# @name`. */
export function parseHttpFile(text: string): HttpFile {
  const [head = '', ...sections] = text.split(/^###.*\n/m);
  const variables = [...head.matchAll(/^@(\w+) = (.*)$/gm)].map(([, name, value]) => [name, value]);
  return {
    variables: Object.fromEntries(variables) as Record<string, string>,
    requests: sections.map(parseRequest),
  };
}

function parseRequest(section: string): HttpFileRequest {
  const [head = '', ...body] = section.split('\n\n');
  const lines = head.split('\n').filter((line) => !line.startsWith('#'));
  const [requestLine = '', ...headers] = lines;
  const [method = '', url = ''] = requestLine.split(' ');
  const text = body.join('\n\n').trim();
  return {
    name: /^# @name (\w+)$/m.exec(head)?.[1] ?? '',
    method,
    url,
    headers: Object.fromEntries(
      headers.filter(Boolean).map((line) => /^([\w-]+): (.*)$/.exec(line)?.slice(1) ?? [line, '']),
    ) as Record<string, string>,
    body: text === '' ? undefined : text,
  };
}

/** Replaces `{{name}}`, `{{$guid}}` and `{{request.response.body.$.path}}`. */
export function resolveVariables(
  text: string,
  variables: Readonly<Record<string, string>>,
  responses: Readonly<Record<string, unknown>>,
): string {
  return text.replace(/\{\{(.+?)\}\}/g, (_whole, expression: string) => {
    if (expression === '$guid') return crypto.randomUUID();
    const [, name = '', path = ''] = /^(\w+)\.response\.body\.\$(.+)$/.exec(expression) ?? [];
    const value = name === '' ? variables[expression] : readPath(responses[name], path);
    if (typeof value !== 'string') throw new Error(`{{${expression}}} has no value.`);
    return value;
  });
}

const readPath = (value: unknown, path: string): unknown =>
  [...path.matchAll(/\w+/g)].reduce<unknown>(
    (each, [key]) => (each as Record<string, unknown> | undefined)?.[key],
    value,
  );
