/**
 * A subshell of the kernel for this page: what is sent there is heard while a cell is busy.
 *
 * JupyterLab's own comms wait for the kernel's info, which a busy kernel does not give after the page was reloaded;
 * the requests here travel on the control channel, which it always answers.
 */
import { KernelMessage } from '@jupyterlab/services';
import type { Kernel } from '@jupyterlab/services';

const PATIENCE = 4500; // ms; ipykernel 6 never answers

/** The id of a subshell; `known` is used again where the kernel still has it. Null where the kernel has no subshells. */
export async function openSubshell(kernel: Kernel.IKernelConnection, known: string | null): Promise<string | null> {
  if (await lacksSubshells(kernel)) return null;
  if (known !== null) {
    const list = await request(kernel, 'list_subshell_request');
    const ids = list?.['subshell_id'];
    if (Array.isArray(ids) && ids.includes(known)) return known;
  }
  const created = await request(kernel, 'create_subshell_request');
  const id = created?.['subshell_id'];
  return typeof id === 'string' ? id : null;
}

/** Whether the kernel has said that it has none; a busy one may not have said anything yet. */
async function lacksSubshells(kernel: Kernel.IKernelConnection): Promise<boolean> {
  const silent = Symbol();
  const info = await Promise.race([kernel.info, Promise.resolve(silent)]);
  return info !== silent && !kernel.supportsSubshells;
}

type Request = 'list_subshell_request' | 'create_subshell_request';

async function request(kernel: Kernel.IKernelConnection, msgType: Request): Promise<Record<string, unknown> | null> {
  const options = { channel: 'control' as const, username: kernel.username, session: kernel.clientId, content: {} };
  const message =
    msgType === 'create_subshell_request'
      ? KernelMessage.createMessage<KernelMessage.ICreateSubshellRequestMsg>({ ...options, msgType })
      : KernelMessage.createMessage<KernelMessage.IListSubshellRequestMsg>({ ...options, msgType });
  try {
    const future = kernel.sendControlMessage<Request>(message, true, true);
    const timer = setTimeout(() => future.dispose(), PATIENCE);
    const reply = await future.done.finally(() => clearTimeout(timer));
    return reply?.content as Record<string, unknown>;
  } catch {
    return null; // no answer, or no kernel any more
  }
}
