/** JupyterLab hears keys before what has the focus does; this attribute tells it which of them are not for it. */
import { isOurs } from '../runview';
import { OUTPUT } from './ids';

const SUPPRESS = 'data-lm-suppress-shortcuts';

/** To be called while the event is on its way down. */
export function divideKeys(event: KeyboardEvent): void {
  const view = event.target instanceof Element ? event.target.closest(`.${OUTPUT}`) : null;
  view?.toggleAttribute(SUPPRESS, isOurs(event));
}
