/** What a run's view can do in JupyterLab and Notebook 7. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MimeModel } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { NotebookCell } from '../core/host';
import type { RunRecord } from '../core/record';
import { findCell } from './places';

/** Puts cells below the one that shows the run, to be looked at first: nothing is executed. */
export function insertCells(panel: NotebookPanel, runId: string, cells: readonly NotebookCell[]): void {
  const notebook = panel.content;
  const model = notebook.model;
  if (model === null) return;
  const after = findCell(panel, runId);
  const index = (after ? notebook.widgets.indexOf(after) : notebook.activeCellIndex) + 1;
  model.sharedModel.transact(() => model.sharedModel.insertCells(index, cells.map(newCell)));
  notebook.activeCellIndex = index;
}

type NewCell = Parameters<INotebookModel['sharedModel']['insertCells']>[1][number];

function newCell({ cell_type, source }: NotebookCell): NewCell {
  return cell_type === 'code'
    ? { cell_type, source, metadata: {}, outputs: [], execution_count: null }
    : { cell_type, source, metadata: {} };
}

/** Shows the record's JSON in a tab of its own; where there are no tabs, saves it. */
export async function openRecord(
  app: JupyterFrontEnd,
  rendermime: IRenderMimeRegistry,
  hasTabs: boolean,
  record: RunRecord
): Promise<void> {
  if (!hasTabs) return download(record);
  const mimeType = 'application/json';
  const content = rendermime.createRenderer(mimeType);
  const data = { [mimeType]: record as unknown as ReadonlyPartialJSONObject };
  await content.renderModel(new MimeModel({ data, trusted: false }));
  const widget = new MainAreaWidget({ content });
  widget.id = `agentnb-record-${record.run_id}-${Date.now()}`;
  widget.title.label = `Run: ${record.task.slice(0, 30)}`;
  widget.title.caption = record.task;
  widget.title.closable = true;
  app.shell.add(widget, 'main');
  app.shell.activateById(widget.id);
}

function download(record: RunRecord): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(record, null, 1)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `agentnb-${record.run_id || 'run'}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
