/** The commands that wait for the kernel's answer. */
import { UUID } from '@lumino/coreutils';
import type { Command, FromKernel, Reply } from '../core/protocol';
import type { DirectComm } from './comm';
import { commandMessage } from './feed';

const PATIENCE = 10_000; // ms

/** `answered` is false where no answer came in time. */
export type TimedReply = Reply & { answered: boolean };

export class Replies {
  #waiting = new Map<string, (reply: TimedReply) => void>();

  /** Sends `command`; resolves to the answer, at the latest when patience, in milliseconds, is over. */
  ask(comm: DirectComm, command: Command, patience = PATIENCE): Promise<TimedReply> {
    const id = UUID.uuid4();
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#settle(id, { ok: false, text: LATE, answered: false }), patience);
      this.#waiting.set(id, reply => {
        clearTimeout(timer);
        resolve(reply);
      });
      comm.send(commandMessage(id, command));
    });
  }

  take(message: FromKernel & { kind: 'reply' }): void {
    const { id, ok, text, data } = message;
    this.#settle(id, { ok, text, answered: true, ...(data === undefined ? {} : { data }) });
  }

  /** Gives all that still wait an answer: there will be no other. */
  dispose(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id, { ok: false, text: LOST, answered: true });
  }

  #settle(id: string, reply: TimedReply): void {
    this.#waiting.get(id)?.(reply);
    this.#waiting.delete(id);
  }
}

const LATE = 'The kernel is busy and has not answered yet; it takes this up when it is free.';
const LOST = 'The kernel is gone, and this with it.';
