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

function struct(name: string, data: Json): Json {
  const fields: Json = {};
  for (const [field, spec] of Object.entries(SHAPES[name as keyof typeof SHAPES])) {
    const [kind = '', given] = (spec as string).split('=');
    const value = read(kind, data[field]);
    fields[field] = value === undefined ? fallback(`${name}.${field}`, kind, given) : value;
  }
  return fields;
}

/** The value as one of `kind`; undefined where it does not fit. */
function read(kind: string, value: unknown): unknown {
  const rest = kind.slice(1);
  switch (kind[0]) {
    case '?':
      return value === null ? null : read(rest, value);
    case '*':
      return Array.isArray(value) ? value.map(each => read(rest, each)).filter(each => each !== undefined) : undefined;
    case '@':
      return isObject(value) ? struct(rest, value) : undefined;
  }
  return fits(kind, value) ? value : undefined;
}

function fits(kind: string, value: unknown): boolean {
  switch (kind) {
    case 's':
      return typeof value === 'string';
    case 'i':
      return Number.isInteger(value);
    case 'n':
      return Number.isFinite(value);
    case 'b':
      return typeof value === 'boolean';
    case 'o':
      return isObject(value);
  }
  return typeof value === 'string' && kind.split('|').includes(value);
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
