/** The keys of a tree, as WAI-ARIA has them: the id of the row to focus, or null where the key means nothing here. */
import type { Row } from './rows';

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
