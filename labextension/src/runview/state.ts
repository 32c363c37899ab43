/** What the person did to the view of a run: kept with its place on the page, so that drawing it anew loses nothing. */
import type { PlanItem } from '../core/record';

/** What was typed into a request that still waits. */
export interface Draft {
  text: string;
  code?: string;
  plan?: PlanItem[];
}

export class ViewState {
  /** Rows that the person opened (true) or closed (false). */
  readonly toggled = new Map<string, boolean>();
  readonly drafts = new Map<string, Draft>();
  focus = '';
  timeline = false;
  say = '';
  #listeners = new Set<() => void>();

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Makes a change and draws the views that show it. */
  change(make: (state: this) => void): void {
    make(this);
    for (const listener of [...this.#listeners]) listener();
  }

  draft(id: string): Draft {
    return this.drafts.get(id) ?? { text: '' };
  }

  setDraft(id: string, part: Partial<Draft>): void {
    this.change(() => this.drafts.set(id, { ...this.draft(id), ...part }));
  }
}

const states = new WeakMap<HTMLElement, { run: string; state: ViewState }>();

/** The state of the view in `element`; it starts anew where that shows another run. */
export function stateIn(element: HTMLElement, run: string): ViewState {
  const known = states.get(element);
  if (known?.run === run) return known.state;
  const state = new ViewState();
  states.set(element, { run, state });
  return state;
}
