import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Actions, Renderer } from '../core/host';
import type { Command, Reply } from '../core/protocol';
import type { RunStore } from '../core/store';
import type { ViewState } from './state';

/** What every part of the view can reach. */
export interface View {
  renderer: Renderer;
  actions: Actions;
  live: boolean;
  edited: boolean;
  store: RunStore;
  state: ViewState;
  /** Tells the kernel something and shows its answer; only where `actions.command` is. */
  send(command: Command): Promise<Reply>;
  /** Shows a sentence to the person. */
  tell(text: string, bad?: boolean): void;
  /** Opens what a step is folded into, and goes there. */
  jump(step: string): void;
  /** Goes to the box in which a request is answered. */
  answer(request: string): void;
}

const Context = createContext<View | null>(null);

export const Provide = Context.Provider;

export function useView(): View {
  const view = useContext(Context);
  if (!view) throw new Error('a part of the run view was drawn outside of it');
  return view;
}
