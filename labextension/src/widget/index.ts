/** The front end of the anywidget: for VS Code, Colab and every page that has no extension of agentnb's. */
import { isFinal } from '../core/fold';
import type { Actions } from '../core/host';
import { mountRunView } from '../runview';
import { renderer } from './renderer';
import { Session, type Model } from './session';

interface Part {
  model: Model;
  el: HTMLElement;
}

const sessions = new WeakMap<Model, Session>();

function sessionOf(model: Model): Session {
  const known = sessions.get(model) ?? new Session(model);
  sessions.set(model, known);
  return known;
}

function initialize({ model }: Pick<Part, 'model'>): () => void {
  const session = sessionOf(model);
  return () => {
    session.dispose();
    sessions.delete(model);
  };
}

function render({ model, el }: Part): () => void {
  const session = sessionOf(model);
  const actions: Actions = { command: session.command, openRecord: () => save(session) };
  const mounted = mountRunView(el, session.store, { renderer, actions, live: true });
  const onConnection = (): void => {
    // the page marks views whose kernel went away with this class
    const live = !el.classList.contains('jupyter-widgets-disconnected');
    mounted.update({ live, actions: live ? actions : { openRecord: () => save(session) } });
    if (!live && !isFinal(session.store.record.status)) session.store.gone();
  };
  const onSwitch = (): void => void setTimeout(onConnection);
  model.on('comm_live_update', onSwitch);
  return () => {
    model.off('comm_live_update', onSwitch);
    mounted.dispose();
  };
}

/** Saves the record as a file. */
function save({ store }: Session): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(store.record, null, 1)], { type: 'application/json' }));
  link.download = `${store.record.run_id || 'run'}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

export default { initialize, render };
