/** What the view does with keys, and which of them are for the page around it. */
import type { Row } from './rows';

const TYPED = new Set(['INPUT', 'TEXTAREA', 'SELECT']);
const MOVES = /^(?:Arrow.*|Home|End)$/;
const EDITS = /^(?:[acvxyz]|Backspace|Delete)$/i;

/** Whether the key means something here, in the view or in one of its fields; all others, such as Ctrl+S, are the page's. */
export function isOurs({ key, target, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  const typed = TYPED.has((target as HTMLElement).tagName);
  if (key === 'Enter') return true;
  if (ctrlKey || metaKey) return typed && (MOVES.test(key) || EDITS.test(key));
  return typed || (!altKey && (key === ' ' || MOVES.test(key)));
}

/** The keys of a tree, as WAI-ARIA has them: the id of the row to focus, or null where the key means nothing here. */
export function treeKey(key: string, rows: readonly Row[], index: number, toggle: (row: Row) => void): string | null {
  const row = rows[index];
  if (!row) return null;
  const next = rows[index + 1];
  switch (key) {
    case 'ArrowDown':
      return (next ?? row).id;
    case 'ArrowUp':
      return (rows[index - 1] ?? row).id;
    case 'Home':
      return rows[0]?.id ?? null;
    case 'End':
      return rows.at(-1)?.id ?? null;
    case 'Enter':
    case ' ':
      toggle(row);
      return row.id;
    case 'ArrowRight':
      if (row.open) return next && next.parent === row.id ? next.id : row.id;
      if (row.kind !== 'result') toggle(row);
      return row.id;
    case 'ArrowLeft':
      if (!row.open) return row.parent || row.id;
      toggle(row);
      return row.id;
  }
  return null;
}
