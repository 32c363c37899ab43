/** The runs of one kernel, as it lists them. */
import { Signal } from '@lumino/signaling';
import type { RunEntry } from '../core/protocol';
import type { DirectComm } from './comm';
import { readMessage } from './feed';
import type { KernelLink } from './link';

export class RunList {
  readonly changed = new Signal<this, void>(this);
  readonly link: KernelLink;
  /** Newest first; null as long as the kernel has not answered, or where agentnb is not loaded in it. */
  entries: readonly RunEntry[] | null = null;
  #comm: DirectComm | null = null;
  #opening = false;

  constructor(link: KernelLink) {
    this.link = link;
    link.restarted.connect(this.#lost, this);
    link.reconnected.connect(this.#reconnect, this);
  }

  /** Asks the kernel, unless it is asked already. A kernel that did not know of runs may know now. */
  async open(): Promise<void> {
    if (this.#comm !== null || this.#opening) return;
    this.#opening = true;
    try {
      this.#comm = await this.link.open({}, { message: data => this.#receive(data), closed: () => this.#lost() });
    } finally {
      this.#opening = false;
    }
  }

  dispose(): void {
    Signal.clearData(this);
    this.link.restarted.disconnect(this.#lost, this);
    this.link.reconnected.disconnect(this.#reconnect, this);
    if (this.#comm !== null) this.link.close(this.#comm);
    this.#comm = null;
  }

  #receive(data: unknown): void {
    const message = readMessage(data);
    if (message?.kind !== 'runs') return;
    this.entries = [...message.runs].reverse();
    this.changed.emit();
  }

  #reconnect(): void {
    if (this.#comm === null) return;
    this.#comm.dispose();
    this.#comm = null;
    void this.open();
  }

  #lost(): void {
    this.#comm?.dispose();
    this.#comm = null;
    this.entries = null;
    this.changed.emit();
  }
}
