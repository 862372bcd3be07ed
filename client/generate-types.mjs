/**
 * Writes src/api-types.ts: the bodies of the client's calls and the problem document of openapi.json, as
 * types with names of their own. With `--print`, prints them instead.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { URL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';
import prettier from 'prettier';
import ts from 'typescript';

const FILE = new URL('src/api-types.ts', import.meta.url);
const REFERENCE = '#/components/schemas/';

const api = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8'));
const operations = Object.values(api.paths).flatMap((path) => Object.values(path));
const findOperation = (id) => operations.find(({ operationId }) => operationId === id);
const schemaOf = ({ content }) => content['application/json'].schema;
const requestOf = (id) => schemaOf(findOperation(id).requestBody);
const resultOf = (id) => schemaOf(findOperation(id).responses['200']);

/** The schemas by the names that the client gives them. What they refer to keeps its name. */
const NAMED_SCHEMAS = {
  SendRequest: requestOf('sendCode'),
  SendResult: resultOf('sendCode'),
  ResendRequest: requestOf('resendCode'),
  VerifyRequest: requestOf('verifyCode'),
  VerifyResult: resultOf('verifyCode'),
  StatusResult: resultOf('getVerification'),
  LookupResult: resultOf('lookUpNumber'),
  Problem: { $ref: `${REFERENCE}Problem` },
};

const newNames = new Map(
  Object.entries(NAMED_SCHEMAS).flatMap(([name, { $ref }]) => ($ref ? [[$ref, name]] : [])),
);
const nameOf = ($ref) => newNames.get($ref) ?? $ref.slice(REFERENCE.length);

/** The named schemas and all that they refer to, by their new names. */
function selectSchemas() {
  const selected = {};
  const add = (name, schema) => {
    if (name in selected) return;
    selected[name] = {};
    selected[name] = JSON.parse(JSON.stringify(schema), (key, value) => {
      if (key !== '$ref') return value;
      add(nameOf(value), api.components.schemas[value.slice(REFERENCE.length)]);
      return REFERENCE + nameOf(value);
    });
  };
  Object.entries(NAMED_SCHEMAS).forEach(([name, schema]) => {
    add(name, schema.$ref ? api.components.schemas[schema.$ref.slice(REFERENCE.length)] : schema);
  });
  return selected;
}

/** Each member of `components.schemas` as an exported type. */
function toNamedTypes(nodes) {
  const components = nodes.find(
    (node) => ts.isInterfaceDeclaration(node) && node.name.text === 'components',
  );
  const schemas = components.members.find(({ name }) => name.text === 'schemas');
  const exported = [ts.factory.createModifier(ts.SyntaxKind.ExportKeyword)];
  return schemas.type.members.map((member) => {
    const type = ts.visitNode(member.type, simplify);
    const declaration = ts.isTypeLiteralNode(type)
      ? ts.factory.createInterfaceDeclaration(exported, member.name, [], [], type.members)
      : ts.factory.createTypeAliasDeclaration(exported, member.name, [], type);
    return ts.setSyntheticLeadingComments(declaration, ts.getSyntheticLeadingComments(member));
  });
}

/** Replaces `components['schemas']['Name']` by `Name`, and lets optional fields be `undefined`. */
function simplify(node) {
  if (ts.isIndexedAccessTypeNode(node) && ts.isIndexedAccessTypeNode(node.objectType)) {
    return ts.factory.createTypeReferenceNode(node.indexType.literal.text);
  }
  const visited = ts.visitEachChild(node, simplify, undefined);
  if (!ts.isPropertySignature(visited) || !visited.questionToken) return visited;
  const { modifiers, name, questionToken, type } = visited;
  const absent = ts.factory.createKeywordTypeNode(ts.SyntaxKind.UndefinedKeyword);
  const union = ts.factory.createUnionTypeNode([type, absent]);
  return ts.factory.updatePropertySignature(visited, modifiers, name, questionToken, union);
}

const { openapi, info } = api;
const document = { openapi, info, paths: {}, components: { schemas: selectSchemas() } };
const types = toNamedTypes(await openapiTS(document, { immutable: true }));
const text = types
  .map((type) => astToString(type))
  .join('\n')
  .replaceAll('@description ', '')
  .replaceAll(/^ *\* (@enum|@constant|Format:).*\n/gm, '')
  .replaceAll(/^( *\*) +- /gm, '$1 - ');
const output = await prettier.format(
  `/* Written by \`npm run client:types\` from openapi.json. */\n\n${text}`,
  { ...(await prettier.resolveConfig(FILE)), parser: 'typescript' },
);
if (process.argv.includes('--print')) process.stdout.write(output);
else writeFileSync(FILE, output);
