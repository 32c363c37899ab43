/** This page's connection to what agentnb does in one kernel. */
import type { Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import { COMM_TARGET } from '../core/protocol';
import type { CommHandlers } from './comm';
import { closeComm, DirectComm } from './comm';
import { openSubshell } from './subshell';
import { recall, remember } from './tab';

const links = new WeakMap<Kernel.IKernelConnection, KernelLink>();

export class KernelLink {
  /** The kernel's process is another one from now on, or none: whatever it held is gone. */
  readonly restarted = new Signal<this, void>(this);
  /** The network was away: messages may be missing, and the kernel may have been restarted meanwhile. */
  readonly reconnected = new Signal<this, void>(this);
  readonly kernel: Kernel.IKernelConnection;
  #subshell: Promise<string | null> | null = null;
  #comms = new Set<string>();
  #wasConnected = false;

  constructor(kernel: Kernel.IKernelConnection) {
    this.kernel = kernel;
    kernel.statusChanged.connect(this.#onStatus, this);
    kernel.connectionStatusChanged.connect(this.#onConnection, this);
    this.#wasConnected = kernel.connectionStatus === 'connected';
  }

  /** The one link to `kernel`. */
  static of(kernel: Kernel.IKernelConnection): KernelLink {
    const link = links.get(kernel) ?? new KernelLink(kernel);
    links.set(kernel, link);
    return link;
  }

  /** The subshell's id, null where the kernel has none: then it hears nothing while a cell runs. */
  get subshell(): Promise<string | null> {
    this.#subshell ??= this.#open();
    return this.#subshell;
  }

  /** Opens a comm to agentnb in the kernel, with the run's id or, without one, for the list of runs. */
  async open(data: JSONObject, handlers: CommHandlers): Promise<DirectComm> {
    const comm = new DirectComm(this.kernel, await this.subshell, COMM_TARGET, data, handlers);
    this.#comms.add(comm.id);
    await this.#remember();
    return comm;
  }

  close(comm: DirectComm): void {
    comm.close();
    this.#comms.delete(comm.id);
    void this.#remember();
  }

  async #open(): Promise<string | null> {
    const before = recall(this.kernel.id);
    const subshell = await openSubshell(this.kernel, before.subshell);
    // The kernel goes on feeding the comms that this tab had before it was reloaded.
    for (const id of before.comms) closeComm(this.kernel, subshell, id);
    return subshell;
  }

  async #remember(): Promise<void> {
    remember(this.kernel.id, { subshell: await this.subshell, comms: [...this.#comms] });
  }

  // Only what the server says about the process can be relied on: a subshell's own messages turn a busy kernel `idle`.
  #onStatus(_: unknown, status: Kernel.Status): void {
    if (!['restarting', 'autorestarting', 'terminating', 'dead'].includes(status)) return;
    this.#subshell = null;
    this.#comms.clear();
    this.restarted.emit();
  }

  #onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status !== 'connected') return;
    if (this.#wasConnected) {
      this.#subshell = null;
      this.reconnected.emit();
    }
    this.#wasConnected = true;
  }
}
