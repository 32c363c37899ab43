/** `now`, with every part that is equal to the same part of `old` taken from `old`: what did not change keeps its identity. */
const DEEPEST = 60;

export function share<T>(old: unknown, now: T, depth = 0): T {
  if (old === now || !isContainer(old) || !isContainer(now) || depth > DEEPEST) return now;
  if (Array.isArray(old) !== Array.isArray(now)) return now;
  const before = old as Record<string, unknown>;
  const after = now as Record<string, unknown>;
  const keys = Object.keys(after);
  let equal = keys.length === Object.keys(before).length;
  let shared: Record<string, unknown> | null = null;
  for (const key of keys) {
    const part = share(before[key], after[key], depth + 1);
    equal &&= part === before[key] && key in before;
    if (part !== after[key]) {
      shared ??= (Array.isArray(now) ? [...now] : { ...after }) as Record<string, unknown>;
      shared[key] = part;
    }
  }
  return (equal ? old : (shared ?? now)) as T;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
