/** Writes what a live run has become into the notebook, so that a save keeps it: also after a reload of the page. */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { isFinal } from '../core/fold';
import { isObject } from '../core/normal';
import type { RunRecord } from '../core/record';
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
    if (isFinal(record.status)) return void this.#writeLast(record);
    this.#model.setData({ data: { ...this.#model.data, [MIME_TYPE]: plain(record) } });
  }

  /** The last bundle is the kernel's, with all that other programs show of it; where it is gone, only the record is new. */
  async #writeLast(record: RunRecord): Promise<void> {
    const { ok, data: last } = await this.#run.command({ name: 'bundle' });
    if (ok && isObject(last)) return this.#model.setData(last as Written);
    // Where agentnb is not installed, the id of a dead widget shows as an error.
    const { [WIDGET_MIME_TYPE]: _, ...data } = this.#model.data;
    this.#model.setData({ data: { ...data, [MIME_TYPE]: plain(record) }, metadata: {} });
  }
}

type Written = IRenderMime.IMimeModel.ISetDataOptions;

const plain = (record: RunRecord): ReadonlyPartialJSONObject => structuredClone(record) as unknown as ReadonlyPartialJSONObject;

function keptSeq(data: ReadonlyPartialJSONObject): number {
  const record = data[MIME_TYPE];
  return isObject(record) && typeof record['seq'] === 'number' ? record['seq'] : 0;
}

function hasWidget(data: ReadonlyPartialJSONObject): boolean {
  return WIDGET_MIME_TYPE in data;
}
