/** The runs that this page shows, one `LiveRun` for each run of each kernel, shared by its views. */
import { Signal } from '@lumino/signaling';
import type { RunRecord } from '../core/record';
import type { KernelLink } from './link';
import { LiveRun } from './liverun';

const LINGER = 2000; // ms; an output that is drawn anew lets go of its run and takes it up again

interface Entry {
  run: LiveRun;
  users: number;
}

export class RunHub {
  /** A run is shown that was not shown before. */
  readonly added = new Signal<this, LiveRun>(this);
  #entries = new Map<string, Entry>();

  /** The run of `record` in the kernel of `link`; to be given back with `release`. */
  acquire(link: KernelLink, record: RunRecord): LiveRun {
    const key = keyOf(link, record.run_id);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { run: new LiveRun(link, record), users: 0 };
      this.#entries.set(key, entry);
      this.added.emit(entry.run);
    } else if (record.seq > entry.run.store.record.seq) {
      entry.run.store.reset(record);
    }
    entry.users += 1;
    return entry.run;
  }

  release(run: LiveRun): void {
    const key = keyOf(run.link, run.runId);
    const entry = this.#entries.get(key);
    if (entry?.run !== run) return;
    entry.users -= 1;
    setTimeout(() => {
      if (entry.users > 0 || this.#entries.get(key) !== entry) return;
      this.#entries.delete(key);
      run.dispose();
    }, LINGER);
  }
}

function keyOf(link: KernelLink, runId: string): string {
  return `${link.kernel.clientId}:${runId}`;
}
