/** Writes what a live run has become into the notebook, so that a save keeps it: also after a reload of the page. */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { isFinal } from '../core/fold';
import { isObject } from '../core/normal';
import { MIME_TYPE, WIDGET_MIME_TYPE } from './ids';
import type { LiveRun } from './liverun';

const INTERVAL = 3000; // ms between two writings, at least
const GROWTH = 1.5; // a record is written again when it has grown by half, so that all writings together stay linear
const SETTLED = 1500; // ms after the end in which the kernel itself writes the final bundle, unless the page was reloaded

export class Keeper {
  #run: LiveRun;
  #model: IRenderMime.IMimeModel;
  #unsubscribe: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #writtenAt = Date.now();

  constructor(run: LiveRun, model: IRenderMime.IMimeModel) {
    this.#run = run;
    this.#model = model;
    this.#unsubscribe = run.store.subscribe(() => this.#changed());
    this.#changed();
  }

  dispose(): void {
    this.#unsubscribe();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #changed(): void {
    if (this.#timer !== null || !this.#isBehind()) return;
    const { status } = this.#run.store.record;
    const wait = isFinal(status) ? SETTLED : this.#writtenAt + INTERVAL - Date.now();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#isBehind()) this.#write();
    }, Math.max(wait, 0));
  }

  #isBehind(): boolean {
    const { seq, status } = this.#run.store.record;
    const kept = keptSeq(this.#model.data);
    return isFinal(status) ? seq > kept || hasWidget(this.#model.data) : seq >= kept * GROWTH + 1;
  }

  #write(): void {
    this.#writtenAt = Date.now();
    const { record } = this.#run.store;
    const data: Record<string, unknown> = { ...this.#model.data, [MIME_TYPE]: structuredClone(record) };
    // Where agentnb is not installed, the id of a dead widget shows as an error.
    if (isFinal(record.status)) delete data[WIDGET_MIME_TYPE];
    this.#model.setData({ data: data as ReadonlyPartialJSONObject });
  }
}

function keptSeq(data: ReadonlyPartialJSONObject): number {
  const record = data[MIME_TYPE];
  return isObject(record) && typeof record['seq'] === 'number' ? record['seq'] : 0;
}

function hasWidget(data: ReadonlyPartialJSONObject): boolean {
  return WIDGET_MIME_TYPE in data;
}
