/** Saves the notebook when a run begins: an output that was never saved is not there after a reload, nor is its run. */
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { LiveRun } from './liverun';

const saved = new WeakSet<LiveRun>();
const saving = new WeakMap<NotebookPanel, Promise<void>>();

/** Saves `panel` once a run, however many views show it; two at once would seem to be two writers to JupyterLab. */
export function saveAtStart(panel: NotebookPanel, run: LiveRun): void {
  const { model, contentsModel } = panel.context;
  if (saved.has(run) || !run.isLive || !model.dirty || model.readOnly || contentsModel?.writable === false) return;
  saved.add(run);
  const before = saving.get(panel) ?? Promise.resolve();
  const save = (): Promise<void> => panel.context.save().catch(() => undefined); // JupyterLab has shown why
  saving.set(panel, before.then(save));
}
