/** A run as its kernel tells of it: all views of the run on this page share one. */
import { Signal } from '@lumino/signaling';
import { isFinal } from '../core/fold';
import type { Command, Reply } from '../core/protocol';
import type { RunRecord } from '../core/record';
import { RunStore } from '../core/store';
import type { DirectComm } from './comm';
import { listenToWidget, readMessage } from './feed';
import type { KernelLink } from './link';
import { Replies } from './replies';

const STOP_PATIENCE = 2000; // ms until a kernel that does not hear Stop is interrupted
const HEARING = 2000; // ms until one that does not answer after that is taken to be stuck
const STUCK =
  'Restart needed: the kernel does not answer, so its code is inside a function that does not return. Restart the ' +
  'kernel, or wait until it returns; all finished steps are kept.';
const RESYNC_INTERVAL = 1000; // ms between two requests for a snapshot, at least

/** `asking`: not known yet. `held`: the kernel has the run. `gone`: it has not. */
export type Holding = 'asking' | 'held' | 'gone';

export class LiveRun {
  readonly store: RunStore;
  readonly runId: string;
  readonly link: KernelLink;
  /** The answer to "does the kernel hold it?" is another one now. */
  readonly holdingChanged = new Signal<this, Holding>(this);
  #holding: Holding = 'asking';
  #comm: DirectComm | null = null;
  #replies = new Replies();
  #stopListening = (): void => undefined;
  #askedAt = 0;
  #connecting = false;

  constructor(link: KernelLink, record: RunRecord) {
    this.link = link;
    this.runId = record.run_id;
    this.store = new RunStore(record);
    link.restarted.connect(this.#lost, this);
    link.reconnected.connect(this.#reconnect, this);
  }

  get holding(): Holding {
    return this.#holding;
  }

  /** Whether it goes on, as far as is known. */
  get isLive(): boolean {
    return !isFinal(this.store.record.status);
  }

  /** Asks the kernel for the run, once; `modelId` is that of the run's widget. */
  async connect(modelId: string | null): Promise<void> {
    if (this.#connecting || this.#comm !== null) return;
    this.#connecting = true;
    try {
      const subshell = await this.link.subshell;
      if (subshell === null && modelId !== null) this.#listen(modelId);
      this.#comm = await this.link.open(
        { run_id: this.runId },
        { message: data => this.#receive(data), closed: () => this.#lost() }
      );
    } finally {
      this.#connecting = false;
    }
  }

  /** Sends a command; resolves to the kernel's answer, or to a sentence that says why there is none. */
  async command(command: Command): Promise<Reply> {
    const subshell = await this.link.subshell;
    if (command.name === 'stop') return this.#stop(subshell);
    if (this.#comm === null) return { ok: false, text: 'The kernel that ran this is not there any more.' };
    return this.#replies.ask(this.#comm, command);
  }

  dispose(): void {
    Signal.clearData(this);
    this.link.restarted.disconnect(this.#lost, this);
    this.link.reconnected.disconnect(this.#reconnect, this);
    this.#disconnect(true);
  }

  async #stop(subshell: string | null): Promise<Reply> {
    if (subshell !== null && this.#comm !== null) {
      const reply = await this.#replies.ask(this.#comm, { name: 'stop' }, STOP_PATIENCE);
      if (reply.answered) return reply;
    }
    await this.link.kernel.interrupt();
    return (await this.#answers()) ? { ok: true, text: 'The kernel was interrupted.' } : { ok: false, text: STUCK };
  }

  /** Whether the kernel is there for this page; code that keeps the interpreter's lock leaves it no time to be. */
  async #answers(): Promise<boolean> {
    return this.#comm === null || (await this.#replies.ask(this.#comm, { name: 'resync' }, HEARING)).answered;
  }

  #listen(modelId: string): void {
    this.#stopListening();
    this.#stopListening = listenToWidget(this.link.kernel, modelId, data => this.#receive(data));
  }

  #receive(data: unknown): void {
    const message = readMessage(data);
    if (message === null) return;
    switch (message.kind) {
      case 'snapshot':
        // An ended run may be told anew: what was done can be undone later on.
        if (message.record.seq >= this.store.record.seq || this.#holding !== 'held') this.store.reset(message.record);
        return this.#hold('held');
      case 'events':
        if (!this.store.apply(message.events)) this.#resync();
        return this.#hold('held');
      case 'reply':
        return this.#replies.take(message);
      case 'gone':
        return this.#lost();
    }
  }

  #resync(): void {
    const now = Date.now();
    if (this.#comm === null || now - this.#askedAt < RESYNC_INTERVAL) return;
    this.#askedAt = now;
    void this.#replies.ask(this.#comm, { name: 'resync' });
  }

  #reconnect(): void {
    if (this.#comm === null) return;
    this.#disconnect(false);
    void this.connect(null);
  }

  #lost(): void {
    this.#disconnect(false);
    this.store.gone();
    this.#hold('gone');
  }

  #disconnect(tell: boolean): void {
    this.#stopListening();
    if (this.#comm !== null && tell) this.link.close(this.#comm);
    else this.#comm?.dispose();
    this.#comm = null;
    this.#replies.dispose();
  }

  #hold(holding: Holding): void {
    if (this.#holding === holding) return;
    this.#holding = holding;
    this.holdingChanged.emit(holding);
  }
}
