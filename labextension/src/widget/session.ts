/** One widget model: its run, kept up to date by custom messages and by the trait that heals every gap. */
import { readRecord } from '../core/normal';
import type { Command, FromKernel, Reply } from '../core/protocol';
import { RunStore } from '../core/store';

/** What anywidget hands to a front end, as far as it is needed. */
export interface Model {
  get(name: string): unknown;
  on(name: string, listener: (...parts: unknown[]) => void): void;
  off(name: string, listener: (...parts: unknown[]) => void): void;
  send(content: object): void;
}

/** A kernel may be busy, and some pages never pass answers on: after this nobody waits any longer. */
const PATIENCE = 10_000;
const BETWEEN_RESYNCS = 1000;

export class Session {
  readonly store: RunStore;
  #model: Model;
  #waiting = new Map<string, (reply: Reply) => void>();
  #sent = 0;
  #asked = -Infinity;

  constructor(model: Model) {
    this.#model = model;
    this.store = new RunStore(readRecord(model.get('snapshot')));
    model.on('msg:custom', this.#onMessage);
    model.on('change:snapshot', this.#onSnapshot);
  }

  /** Tells the kernel something; an answer that does not come within `PATIENCE` counts as none. */
  readonly command = (command: Command): Promise<Reply> => {
    const id = `${Date.now().toString(36)}-${++this.#sent}`;
    return new Promise(resolve => {
      const answer = (reply: Reply): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(reply);
      };
      const none = 'No answer yet: the kernel may be busy, or this page passes no answers on; the run goes on.';
      const timer = setTimeout(() => answer({ ok: false, text: none }), PATIENCE);
      this.#waiting.set(id, answer);
      this.#model.send({ kind: 'command', id, ...command });
    });
  };

  dispose(): void {
    this.#model.off('msg:custom', this.#onMessage);
    this.#model.off('change:snapshot', this.#onSnapshot);
  }

  readonly #onMessage = (content: unknown): void => {
    const message = content as FromKernel | null;
    switch (message?.kind) {
      case 'snapshot':
        return this.store.reset(readRecord(message.record));
      case 'events':
        if (!this.store.apply(message.events)) this.#resync();
        return;
      case 'reply':
        return this.#waiting.get(message.id)?.({ ok: message.ok, text: message.text, data: message.data });
      case 'gone':
        return this.store.gone();
    }
  };

  readonly #onSnapshot = (): void => {
    const record = readRecord(this.#model.get('snapshot'));
    if (record.seq > this.store.record.seq) this.store.reset(record);
  };

  #resync(): void {
    const now = Date.now();
    if (now - this.#asked < BETWEEN_RESYNCS) return;
    this.#asked = now;
    this.#model.send({ kind: 'command', id: `resync-${now}`, name: 'resync' });
  }
}
