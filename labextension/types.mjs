/** `node types.mjs`: writes the TypeScript types of the record from its JSON Schema; `--check` tells whether they are the present ones. */
import { readFileSync, writeFileSync } from 'node:fs';
import { compile } from 'json-schema-to-typescript';

const SCHEMA = new URL('../docs/record.schema.json', import.meta.url);
const TYPES = new URL('src/core/record.ts', import.meta.url);
const SHAPES = new URL('src/core/shapes.ts', import.meta.url);
const NOTE = '/** Generated from docs/record.schema.json by `node types.mjs`; do not edit. */';

const schema = JSON.parse(readFileSync(SCHEMA, 'utf8'));
const structs = Object.entries(schema.$defs).filter(([, def]) => def.properties);
const isEvent = def => 'type' in def.properties;

/** A record is written with all of its fields, an event without those that have their default. */
function required(def) {
  const { properties } = def;
  return isEvent(def) ? def.required : Object.keys(properties);
}

/** What the generator needs to be told: which fields are always there, and that an object without fields holds any. */
function prepared(node) {
  if (Array.isArray(node)) return node.map(prepared);
  if (typeof node !== 'object' || node === null) return node;
  const { discriminator: _, ...rest } = node;
  const fields = Object.fromEntries(Object.entries(rest).map(([name, part]) => [name, prepared(part)]));
  if (node.type !== 'object') return fields;
  return { ...fields, ...(node.properties ? { required: required(node) } : { additionalProperties: true }) };
}

async function types() {
  const $defs = prepared(schema.$defs);
  const aliases = { RunStatus: 'RunRecord', TaskStatus: 'Task', StepStatus: 'Step', RequestStatus: 'Request' };
  const lines = Object.entries(aliases).map(([name, of]) => `export type ${name} = ${of}['status'];`);
  const source = await compile(
    { title: 'Whole', type: 'object', properties: { all: { $ref: '#/$defs/RunRecord' }, event: { $ref: '#/$defs/AnyEvent' } }, $defs },
    'Whole',
    { bannerComment: NOTE, additionalProperties: false, declareExternallyReferenced: true, format: true, style: { singleQuote: true, printWidth: 120 } }
  );
  const body = source.replace(/export interface Whole \{[\s\S]*?\n\}\n/, '');
  return `${body}\nexport const VERSION = ${schema.$defs.RunRecord.properties.version.default};\n${lines.join('\n')}\n`;
}

/** One letter a kind: s, i, n, b, o; `?` may be null, `*` is a list, `@` names a struct, `a|b` are the words allowed. */
function kind(node) {
  if (node.$ref) return `@${node.$ref.split('/').at(-1)}`;
  if (node.anyOf) return `?${kind(node.anyOf.find(each => each.type !== 'null'))}`;
  if (node.enum) return node.enum.join('|');
  if (node.type === 'array') return `*${kind(node.items)}`;
  return { string: 's', integer: 'i', number: 'n', boolean: 'b', object: 'o' }[node.type];
}

function shape(def) {
  const telling = value => value && !(Array.isArray(value) && !value.length);
  const fields = Object.entries(def.properties).map(([name, node]) => {
    const text = kind(node) + (telling(node.default) ? `=${node.default}` : '');
    return `    ${name}: '${text}'`;
  });
  return `{\n${fields.join(',\n')}\n  }`;
}

function shapes() {
  const kept = structs.filter(([, def]) => !isEvent(def)).map(([name, def]) => `  ${name}: ${shape(def)}`);
  const letters = 's string, i integer, n number, b boolean, o object';
  return `${NOTE}\n\n/** ${letters}; ? may be null, * is a list, @ names a shape, a|b are the words allowed; = gives the default. */\nexport const SHAPES = {\n${kept.join(',\n')}\n} as const;\n`;
}

const files = [
  [TYPES, await types()],
  [SHAPES, shapes()]
];
if (process.argv.includes('--check')) {
  const old = files.filter(([path, text]) => readFileSync(path, 'utf8') !== text);
  for (const [path] of old) console.error(`${path.pathname} is not of the present schema: type \`node types.mjs\``);
  process.exitCode = old.length ? 1 : 0;
} else {
  for (const [path, text] of files) writeFileSync(path, text);
}
