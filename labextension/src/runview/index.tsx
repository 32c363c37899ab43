/** Draws runs into any page: both hosts call only this. */
import { render } from 'preact';
import type { RunStore } from '../core/store';
import { RunView, type Options } from './RunView';
import { stateIn } from './state';

export { isOurs } from './keys';
export type { Options } from './RunView';

export interface MountedView {
  /** Changes what the view was mounted with. */
  update(part: Partial<Options>): void;
  dispose(): void;
}

/** Draws the run of `store` into `element` and keeps it up to date until `dispose`. */
export function mountRunView(element: HTMLElement, store: RunStore, options: Options): MountedView {
  let present = options;
  const state = stateIn(element, store.record.run_id);
  const draw = (): void => render(<RunView store={store} state={state} {...present} />, element);
  draw();
  return {
    update(part) {
      present = { ...present, ...part };
      draw();
    },
    dispose() {
      render(null, element);
    }
  };
}
