/** Whether a stored record is as the run left it: the same seal as agentnb/record/seal.py computes. */
import { isObject, type Json } from '../core/normal';

/** The seal of a record as plain JSON; null where the page may not compute one, as over http from elsewhere. */
export async function seal(record: unknown): Promise<string | null> {
  const { subtle } = globalThis.crypto;
  if (!subtle) return null;
  const parts: string[] = [];
  write(record, parts);
  const digest = new Uint8Array(await subtle.digest('SHA-256', new TextEncoder().encode(parts.join(''))));
  return `sha256:${[...digest.slice(0, 16)].map(byte => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** Whether `record` is another one than was sealed; `metadata` is that of its output. */
export async function isEdited(record: unknown, metadata: unknown): Promise<boolean> {
  const told = isObject(metadata) ? metadata['seal'] : undefined;
  if (typeof told !== 'string') return false;
  return told !== ((await seal(record)) ?? told);
}

function write(value: unknown, parts: string[]): void {
  if (typeof value === 'string') {
    const pairs = value.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0;
    parts.push(`s${value.length - pairs}:${value}`);
  } else if (typeof value === 'number') {
    parts.push(`i${Math.abs(value) >= 2 ** 53 / 1e6 ? 'big' : Math.floor(value * 1e6 + 0.5)}`);
  } else if (Array.isArray(value)) {
    parts.push(`l${value.length}:`);
    for (const item of value) write(item, parts);
  } else if (isObject(value)) {
    const keys = Object.keys(value).sort();
    parts.push(`d${keys.length}:`);
    for (const key of keys) {
      write(key, parts);
      write((value as Json)[key], parts);
    }
  } else {
    parts.push(value === null ? 'n' : value ? 't' : 'f');
  }
}
