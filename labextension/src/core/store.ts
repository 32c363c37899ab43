/** One run as the page knows it: a record, brought up to date by events, and those who want to know of it. */
import { Folder, isFinal } from './fold';
import { isSummary } from './normal';
import type { AnyEvent, RunRecord } from './record';
import { share } from './share';

export type Schedule = (run: () => void) => void;

export class RunStore {
  #folder: Folder;
  #listeners = new Set<() => void>();
  #scheduled = false;
  #schedule: Schedule;

  /** `record` comes from `readRecord`; `schedule` decides when the listeners hear of changes. */
  constructor(record: RunRecord, schedule: Schedule = nextFrame) {
    this.#folder = new Folder(record);
    this.#schedule = schedule;
  }

  /** The record so far; it is replaced at each change, never changed itself. */
  get record(): RunRecord {
    return this.#folder.record;
  }

  /** Takes in events; false where one is missing before them, so that a snapshot has to be asked for. */
  apply(events: readonly AnyEvent[]): boolean {
    if (isSummary(this.record)) return true;
    try {
      return this.#fold(events);
    } catch {
      return false; // an event in a form that this page does not know
    } finally {
      this.#folder.seal();
      this.#changed();
    }
  }

  /** Puts another record in the place of this one; equal parts keep their identity, so that nothing is drawn anew. */
  reset(record: RunRecord): void {
    this.#folder = new Folder(share(this.record, record));
    this.#changed();
  }

  /** The kernel knows no such run any more: what looked alive has crashed. */
  gone(reason = 'The kernel that ran it is gone: it was restarted or it died.'): void {
    const { seq, status, timing } = this.record;
    if (!isFinal(status)) this.apply([{ type: 'run_ended', status: 'crashed', reason, seq, at: timing.elapsed }]);
  }

  /** Calls `listener` after changes, at most once a frame; returns what ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #fold(events: readonly AnyEvent[]): boolean {
    for (const event of events) {
      const seq = event.seq ?? 0;
      if (seq > this.record.seq) return false;
      if (seq === this.record.seq) this.#folder.apply(event);
    }
    return true;
  }

  #changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}

/** The next animation frame; a hidden page has none, but those who keep the record have to hear of it there too. */
function nextFrame(run: () => void): void {
  let done = false;
  const once = (): void => {
    if (!done) run();
    done = true;
  };
  if (typeof requestAnimationFrame === 'function') requestAnimationFrame(once);
  setTimeout(once, 250);
}
