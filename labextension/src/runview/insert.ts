/** A run, or a step of it, into the notebook around it. */
import type { NotebookCell } from '../core/host';
import type { View } from './context';

/** Cells from the kernel, which knows how to make them run on their own; from the record where none answers. */
export async function insertCells(view: View, own: NotebookCell[], step?: string): Promise<void> {
  const { actions } = view;
  let cells = own;
  if (actions.command) {
    const reply = await view.send(step === undefined ? { name: 'cells' } : { name: 'cells', step });
    if (reply.ok && Array.isArray(reply.data)) cells = reply.data as NotebookCell[];
  }
  if (cells.length) actions.insertCells?.(cells);
  else view.tell('There is nothing to insert.', true);
}

/** A cell that runs the recorded code again. */
export async function insertReplay(view: View): Promise<void> {
  const reply = await view.send({ name: 'replay' });
  if (reply.ok && typeof reply.data === 'string') view.actions.insertCells?.([{ cell_type: 'code', source: reply.data }]);
}
