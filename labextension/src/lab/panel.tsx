/** The side panel: the runs of the kernel that the person works with; a click goes to the run's cell. */
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { JSX } from 'preact';
import { render } from 'preact';
import type { RunEntry } from '../core/protocol';
import { clock, count, stateWord } from '../core/words';
import { PANEL } from './ids';
import { runsIcon } from './icon';
import { KernelLink } from './link';
import { RunList } from './runlist';

const REFRESH = 1000; // ms; a run that goes on gets older without a word from the kernel

export class RunsPanel extends Widget {
  #goTo: (runId: string) => void;
  #notebook: NotebookPanel | null = null;
  #list: RunList | null = null;
  #heardAt = Date.now();
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(goTo: (runId: string) => void) {
    super();
    this.#goTo = goTo;
    this.id = PANEL;
    this.addClass('agentnb-runs');
    this.title.icon = runsIcon;
    this.title.caption = 'Runs of agents';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Runs of agents');
  }

  /** Newest first; null where the kernel has not said any. */
  get entries(): readonly RunEntry[] | null {
    return this.#list?.entries ?? null;
  }

  /** Shows the runs of this notebook's kernel from now on. */
  follow(notebook: NotebookPanel | null): void {
    if (this.#notebook === notebook) return;
    this.#notebook?.sessionContext.kernelChanged.disconnect(this.#bind, this);
    this.#notebook = notebook;
    notebook?.sessionContext.kernelChanged.connect(this.#bind, this);
    this.#bind();
  }

  /** Asks a kernel that knew of no runs again. */
  refresh(): void {
    this.#bind();
    if (this.isVisible) void this.#list?.open();
    this.#draw();
  }

  override dispose(): void {
    this.#list?.dispose();
    if (this.#timer !== null) clearInterval(this.#timer);
    super.dispose();
  }

  protected override onAfterShow(_: Message): void {
    this.refresh();
    this.#timer ??= setInterval(() => this.#draw(), REFRESH);
  }

  protected override onAfterHide(_: Message): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #bind(): void {
    const kernel = this.#notebook?.sessionContext.session?.kernel ?? null;
    if ((this.#list?.link.kernel ?? null) === kernel) return;
    this.#list?.dispose();
    this.#list = kernel ? new RunList(KernelLink.of(kernel)) : null;
    this.#list?.changed.connect(this.#changed, this);
    if (this.isVisible) void this.#list?.open();
    this.#draw();
  }

  #changed(): void {
    this.#heardAt = Date.now();
    this.#draw();
  }

  #draw(): void {
    if (!this.isVisible) return;
    const since = (Date.now() - this.#heardAt) / 1000;
    render(<Runs entries={this.entries ?? []} since={since} goTo={this.#goTo} />, this.node);
  }
}

interface RunsProps {
  entries: readonly RunEntry[];
  /** Seconds since the kernel said so. */
  since: number;
  goTo(runId: string): void;
}

function Runs({ entries, since, goTo }: RunsProps): JSX.Element {
  return (
    <>
      <h2>Runs of agents</h2>
      {entries.length === 0 && <p>This notebook's kernel has no runs. Start one with a %%agents cell.</p>}
      <ul>
        {entries.map(entry => (
          <li key={entry.run_id}>
            <button type="button" onClick={() => goTo(entry.run_id)} title="Go to the run's cell" data-status={entry.status}>
              <span class="agentnb-runs-task">{entry.task}</span>
              <span class="agentnb-runs-state">{line(entry, entry.status === 'running' ? since : 0)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function line({ status, elapsed, tokens }: RunEntry, since: number): string {
  return `${stateWord(status)}, ${clock(elapsed + since)}, ${count(tokens)} tokens`;
}
