/** What arrives from the kernel, brought into the protocol's form. */
import { KernelMessage } from '@jupyterlab/services';
import type { Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import { isObject, readRecord } from '../core/normal';
import type { Command, FromKernel } from '../core/protocol';
import type { AnyEvent } from '../core/record';

/** A message of the protocol; null where it is none. The record in it is complete, whatever was sent. */
export function readMessage(data: unknown): FromKernel | null {
  if (!isObject(data)) return null;
  switch (data['kind']) {
    case 'snapshot':
      return { kind: 'snapshot', record: readRecord(data['record']) };
    case 'events':
      return { kind: 'events', events: Array.isArray(data['events']) ? (data['events'] as AnyEvent[]) : [] };
    case 'gone':
    case 'reply':
    case 'runs':
      return data as unknown as FromKernel;
  }
  return null;
}

/** A command as it is sent. */
export function commandMessage(id: string, command: Command): JSONObject {
  return { kind: 'command', id, ...command } as unknown as JSONObject;
}

/**
 * Listens to what the kernel sends to the run's widget; returns what ends it.
 *
 * A kernel without subshells answers no comm of the page's while a cell runs, but it sends to its own all the time.
 */
export function listenToWidget(
  kernel: Kernel.IKernelConnection,
  modelId: string,
  receive: (data: unknown) => void
): () => void {
  const listener = (_: unknown, message: KernelMessage.IIOPubMessage): void => {
    if (!KernelMessage.isCommMsgMsg(message) || message.content.comm_id !== modelId) return;
    const { method, content, state } = message.content.data;
    if (method === 'custom') receive(content);
    else if (method === 'update' && isObject(state) && isObject(state['snapshot'])) {
      receive({ kind: 'snapshot', record: state['snapshot'] });
    }
  };
  kernel.iopubMessage.connect(listener);
  return () => void kernel.iopubMessage.disconnect(listener);
}
