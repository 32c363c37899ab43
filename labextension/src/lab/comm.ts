/** The page's end of a comm that it opened itself, if need be on a subshell. */
import { KernelMessage } from '@jupyterlab/services';
import type { Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import { UUID } from '@lumino/coreutils';

export interface CommHandlers {
  message(data: unknown): void;
  /** The kernel closed it: it has no such target, or nothing more to say. */
  closed(): void;
}

export class DirectComm {
  readonly id = UUID.uuid4();
  #kernel: Kernel.IKernelConnection;
  #subshell: string | null;
  #handlers: CommHandlers;

  constructor(
    kernel: Kernel.IKernelConnection,
    subshell: string | null,
    target: string,
    data: JSONObject,
    handlers: CommHandlers
  ) {
    this.#kernel = kernel;
    this.#subshell = subshell;
    this.#handlers = handlers;
    kernel.iopubMessage.connect(this.#receive, this);
    const content = { comm_id: this.id, target_name: target, data };
    send<KernelMessage.ICommOpenMsg<'shell'>>(kernel, 'comm_open', subshell, content);
  }

  send(data: JSONObject): void {
    const content = { comm_id: this.id, data };
    send<KernelMessage.ICommMsgMsg<'shell'>>(this.#kernel, 'comm_msg', this.#subshell, content);
  }

  close(): void {
    this.dispose();
    closeComm(this.#kernel, this.#subshell, this.id);
  }

  /** Stops listening, without a word to the kernel. */
  dispose(): void {
    this.#kernel.iopubMessage.disconnect(this.#receive, this);
  }

  #receive(_: unknown, message: KernelMessage.IIOPubMessage): void {
    if (KernelMessage.isCommMsgMsg(message)) {
      if (message.content.comm_id === this.id) this.#handlers.message(message.content.data);
    } else if (KernelMessage.isCommCloseMsg(message) && message.content.comm_id === this.id) {
      this.dispose();
      this.#handlers.closed();
    }
  }
}

/** Closes a comm of this page's, also one from before it was reloaded. */
export function closeComm(kernel: Kernel.IKernelConnection, subshell: string | null, id: string): void {
  send<KernelMessage.ICommCloseMsg<'shell'>>(kernel, 'comm_close', subshell, { comm_id: id, data: {} });
}

type CommRequest =
  | KernelMessage.ICommOpenMsg<'shell'>
  | KernelMessage.ICommMsgMsg<'shell'>
  | KernelMessage.ICommCloseMsg<'shell'>;

function send<T extends CommRequest>(
  kernel: Kernel.IKernelConnection,
  msgType: T['header']['msg_type'],
  subshellId: string | null,
  content: T['content']
): void {
  if (kernel.isDisposed || kernel.status === 'dead') return;
  const message = KernelMessage.createMessage({
    msgType,
    channel: 'shell',
    username: kernel.username,
    session: kernel.clientId,
    subshellId,
    content
  } as KernelMessage.IOptions<KernelMessage.ICommMsgMsg<'shell'>>);
  kernel.sendShellMessage(message, false, true);
}
