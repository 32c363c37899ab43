/** Any JSON as a record: what fits its type is kept, field by field, and the rest gets a default. Nothing here throws. */
import type { RunRecord } from './record';
import { VERSION } from './record';
import { SHAPES } from './shapes';

export type Json = Record<string, unknown>;

/** Where a type's own default would claim something: damage must look neither live nor well. */
const DAMAGED: Record<string, string> = {
  'RunRecord.status': 'crashed',
  'Task.status': 'cancelled',
  'Step.status': 'cancelled',
  'Change.kind': 'rebound',
  'Request.kind': 'question',
  'Request.status': 'withdrawn',
  'Member.name': 'agent'
};
const ZERO: Record<string, unknown> = { s: '', i: 0, n: 0, b: false };

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** nbformat's multi-line strings: a string or a list of its pieces. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join('');
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

/** A record out of JSON, or out of its text. Of a newer version only a summary is left, to look at: `isSummary`. */
export function readRecord(value: unknown): RunRecord {
  const fields = parsed(value);
  const record = struct('RunRecord', fields) as unknown as RunRecord;
  if (record.version > VERSION) return summary(record);
  record.version = VERSION;
  uniqueIds(record.tasks, 'task');
  uniqueIds(record.steps, 'step');
  uniqueIds(record.requests, 'request');
  for (const step of record.steps) step.outputs = step.outputs.flatMap(tidy);
  return record;
}

/** A record to which nothing has happened yet. */
export function emptyRecord(): RunRecord {
  return { ...readRecord({}), status: 'running' };
}

/** Whether the record is of a version that this page can only summarise. */
export function isSummary(record: RunRecord): boolean {
  return record.version > VERSION;
}

function parsed(value: unknown): Json {
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value);
    } catch {
      return {};
    }
  }
  return isObject(value) ? value : {};
}

function summary(record: RunRecord): RunRecord {
  const text = textOf(record.result?.['text/plain']);
  return {
    ...struct('RunRecord', {}),
    version: record.version,
    run_id: record.run_id,
    task: record.task,
    status: record.status,
    result: text ? { 'text/plain': text } : null,
    reason: `Recorded by a newer agentnb (version ${record.version}; this page reads ${VERSION}): type pip install -U agentnb to open it in full.`
  } as RunRecord;
}

/** One part of a record, with all of its fields. */
export function readPart<T>(name: keyof typeof SHAPES, value: unknown): T {
  return struct(name, isObject(value) ? value : {}) as T;
}

interface Field {
  name: string;
  read: Reader;
  missing(): unknown;
}

/** The value as one of a kind; undefined where it does not fit. */
type Reader = (value: unknown) => unknown;

const fields = new Map<string, Field[]>();

/** The fields of a shape, made ready once: a record has many parts of few shapes. */
function fieldsOf(shape: string): Field[] {
  const made = Object.entries(SHAPES[shape as keyof typeof SHAPES]).map(([name, spec]) => {
    const [kind = '', given] = (spec as string).split('=');
    return { name, read: reader(kind), missing: () => fallback(`${shape}.${name}`, kind, given) };
  });
  fields.set(shape, made);
  return made;
}

function struct(shape: string, data: Json): Json {
  const whole: Json = {};
  for (const { name, read, missing } of fields.get(shape) ?? fieldsOf(shape)) {
    const value = read(data[name]);
    whole[name] = value === undefined ? missing() : value;
  }
  return whole;
}

const FITS: Record<string, (value: unknown) => boolean> = {
  s: value => typeof value === 'string',
  i: Number.isInteger,
  n: Number.isFinite,
  b: value => typeof value === 'boolean',
  o: isObject
};

function reader(kind: string): Reader {
  const rest = kind.slice(1);
  switch (kind[0]) {
    case '?': {
      const read = reader(rest);
      return value => (value === null ? null : read(value));
    }
    case '*': {
      const read = reader(rest);
      return value => (Array.isArray(value) ? value.map(each => read(each)).filter(each => each !== undefined) : undefined);
    }
    case '@':
      return value => (isObject(value) ? struct(rest, value) : undefined);
  }
  const words: unknown[] = kind.split('|');
  const fits = FITS[kind] ?? (value => words.includes(value));
  return value => (fits(value) ? value : undefined);
}

function fallback(place: string, kind: string, given: string | undefined): unknown {
  const damaged = DAMAGED[place];
  if (damaged !== undefined) return damaged;
  if (kind.startsWith('?')) return null;
  if (kind.startsWith('*')) return [];
  if (kind.startsWith('@')) return struct(kind.slice(1), {});
  if (given !== undefined) return kind === 'i' ? Number(given) : given;
  return ZERO[kind] ?? kind.split('|')[0];
}

function uniqueIds(entries: { id: string }[], kind: string): void {
  const taken = new Set<string>();
  entries.forEach((entry, index) => {
    const id = entry.id || `${kind}-${index + 1}`;
    entry.id = id;
    for (let copy = 2; taken.has(entry.id); copy++) entry.id = `${id}~${copy}`;
    taken.add(entry.id);
  });
}

/** The output with every field of the type that nbformat says; none where it cannot be an output. */
function tidy(output: Json): Json[] {
  const kind = output['output_type'];
  if (kind === 'stream') {
    const name = output['name'] === 'stderr' ? 'stderr' : 'stdout';
    return [{ output_type: kind, name, text: textOf(output['text']) }];
  }
  if (kind === 'error') {
    const lines = output['traceback'];
    const traceback = Array.isArray(lines) ? lines.map(textOf) : [];
    return [{ output_type: kind, ename: textOf(output['ename']), evalue: textOf(output['evalue']), traceback }];
  }
  if (kind !== 'display_data' && kind !== 'execute_result') return [];
  return [{ ...output, data: isObject(output['data']) ? output['data'] : {} }];
}
