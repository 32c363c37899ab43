import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { AnyEvent } from '../src/core/record';
import { Session, type Model } from '../src/widget/session';

/** A widget model whose kernel is the test. */
class FakeModel implements Model {
  traits: Record<string, unknown> = {};
  sent: Record<string, unknown>[] = [];
  listeners = new Map<string, Set<(...parts: unknown[]) => void>>();

  get(name: string): unknown {
    return this.traits[name];
  }
  on(name: string, listener: (...parts: unknown[]) => void): void {
    this.listeners.set(name, (this.listeners.get(name) ?? new Set()).add(listener));
  }
  off(name: string, listener: (...parts: unknown[]) => void): void {
    this.listeners.get(name)?.delete(listener);
  }
  send(content: object): void {
    this.sent.push({ ...content });
  }
  says(name: string, ...parts: unknown[]): void {
    for (const listener of this.listeners.get(name) ?? []) listener(...parts);
  }
}

const said = (seq: number): AnyEvent => ({ type: 'said', sender: 'user', to: 'lead', text: '', seq });

function open(snapshot: unknown = {}): { model: FakeModel; session: Session } {
  const model = new FakeModel();
  model.traits['snapshot'] = snapshot;
  return { model, session: new Session(model) };
}

test('the trait may be JSON or its text, or nothing yet', () => {
  assert.equal(open({ task: 'x', status: 'running' }).session.store.record.task, 'x');
  assert.equal(open('{"task": "y"}').session.store.record.task, 'y');
  assert.equal(open(null).session.store.record.task, '');
});

test('events go into the run, a gap asks for a snapshot once', () => {
  const { model, session } = open({ status: 'running' });
  model.says('msg:custom', { kind: 'events', events: [said(0)] });
  assert.equal(session.store.record.seq, 1);
  model.says('msg:custom', { kind: 'events', events: [said(5)] });
  model.says('msg:custom', { kind: 'events', events: [said(6)] });
  assert.deepEqual(model.sent.map(message => [message['kind'], message['name']]), [['command', 'resync']]);
  model.says('msg:custom', { kind: 'snapshot', record: { status: 'running', seq: 7 } });
  assert.equal(session.store.record.seq, 7);
});

test('the trait heals a gap, an old one changes nothing', () => {
  const { model, session } = open({ status: 'running', seq: 4, task: 'new' });
  model.traits['snapshot'] = { status: 'running', seq: 3, task: 'old' };
  model.says('change:snapshot');
  assert.equal(session.store.record.task, 'new');
  model.traits['snapshot'] = { status: 'done', seq: 9 };
  model.says('change:snapshot');
  assert.equal(session.store.record.status, 'done');
});

test('each answer reaches the command it answers', async () => {
  const { model, session } = open();
  const first = session.command({ name: 'pause' });
  const second = session.command({ name: 'say', text: 'hello' });
  const [one, other] = model.sent;
  assert.deepEqual([other?.['kind'], other?.['name'], other?.['text']], ['command', 'say', 'hello']);
  model.says('msg:custom', { kind: 'reply', id: other?.['id'], ok: false, text: 'No.' });
  model.says('msg:custom', { kind: 'reply', id: one?.['id'], ok: true, text: '', data: 3 });
  assert.deepEqual(await second, { ok: false, text: 'No.', data: undefined });
  assert.deepEqual(await first, { ok: true, text: '', data: 3 });
});

test('where no answer ever comes nothing hangs', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { model, session } = open();
  const reply = session.command({ name: 'stop' });
  mock.timers.tick(10_001);
  assert.equal((await reply).ok, false);
  model.says('msg:custom', { kind: 'reply', id: model.sent[0]?.['id'], ok: true, text: '' });
  mock.timers.reset();
});

test('a run that the kernel does not know has crashed; odd messages do nothing', () => {
  const { model, session } = open({ status: 'running' });
  for (const message of [null, undefined, 7, {}, { kind: 'later' }]) model.says('msg:custom', message);
  assert.equal(session.store.record.status, 'running');
  model.says('msg:custom', { kind: 'gone' });
  assert.equal(session.store.record.status, 'crashed');
  session.dispose();
  assert.deepEqual([...model.listeners.values()].map(each => each.size), [0, 0]);
});
