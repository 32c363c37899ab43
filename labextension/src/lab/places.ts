/** Where a run stands: which notebook or console shows it, and in which of its cells. */
import type { ISessionContext } from '@jupyterlab/apputils';
import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { IConsoleTracker } from '@jupyterlab/console';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { isObject } from '../core/normal';
import { MIME_TYPE } from './ids';

export interface Place {
  context: ISessionContext;
  /** Null in a console. */
  panel: NotebookPanel | null;
}

export class Places {
  #notebooks: INotebookTracker | null;
  #consoles: IConsoleTracker | null;

  constructor(notebooks: INotebookTracker | null, consoles: IConsoleTracker | null) {
    this.#notebooks = notebooks;
    this.#consoles = consoles;
  }

  /** The notebook or console that `node` is in; a view apart from its notebook belongs to the one that has the run. */
  of(node: HTMLElement, runId: string): Place | null {
    const panel = this.#notebooks?.find(each => each.node.contains(node));
    if (panel) return { context: panel.sessionContext, panel };
    const console = this.#consoles?.find(each => each.node.contains(node));
    if (console) return { context: console.sessionContext, panel: null };
    const other = this.#notebooks?.find(each => findCell(each, runId) !== null);
    return other ? { context: other.sessionContext, panel: other } : null;
  }

  /** The notebook that the person works in, or worked in last. */
  get current(): NotebookPanel | null {
    return this.#notebooks?.currentWidget ?? null;
  }

  /** Goes to the cell that shows the run, in whichever notebook it is; false where there is none. */
  async show(runId: string, activate: (id: string) => void): Promise<boolean> {
    const panel = this.#notebooks?.find(each => findCell(each, runId) !== null);
    const cell = panel && findCell(panel, runId);
    if (!panel || !cell) return false;
    activate(panel.id);
    panel.content.activeCellIndex = panel.content.widgets.indexOf(cell);
    await panel.content.scrollToCell(cell);
    return true;
  }
}

/** The cell of the notebook whose output is the run. */
export function findCell(panel: NotebookPanel, runId: string): Cell | null {
  return panel.content.widgets.find(cell => cell.model.type === 'code' && holds(cell as CodeCell, runId)) ?? null;
}

function holds(cell: CodeCell, runId: string): boolean {
  const { outputs } = cell.model;
  for (let index = 0; index < outputs.length; index++) {
    const record = outputs.get(index).data[MIME_TYPE];
    if (isObject(record) && record['run_id'] === runId) return true;
  }
  return false;
}
