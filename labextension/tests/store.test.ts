import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyRecord, readRecord } from '../src/core/normal';
import type { AnyEvent } from '../src/core/record';
import { RunStore } from '../src/core/store';
import { frozen } from './kit';

const said = (seq: number): AnyEvent => ({ type: 'said', sender: 'user', to: 'lead', text: `${seq}`, seq, at: seq });
const later: (() => void)[] = [];
const manual = (run: () => void): void => void later.push(run);
const frame = (): void => later.splice(0).forEach(run => run());

function storeOf(count: number): RunStore {
  const store = new RunStore(emptyRecord(), manual);
  assert.equal(store.apply(Array.from({ length: count }, (_, seq) => said(seq))), true);
  return store;
}

test('events that are known already change nothing', () => {
  const store = storeOf(3);
  assert.equal(store.apply([said(1), said(2), said(3)]), true);
  assert.deepEqual(store.record.messages.map(message => message.text), ['0', '1', '2', '3']);
});

test('a gap asks for a snapshot and keeps what came before it', () => {
  const store = storeOf(2);
  assert.equal(store.apply([said(2), said(4)]), false);
  assert.equal(store.record.seq, 3);
  assert.equal(store.apply([said(3)]), true);
});

test('an event of no known form asks for a snapshot', () => {
  const store = storeOf(1);
  assert.equal(store.apply([null as unknown as AnyEvent]), false);
});

test('a request or an agent in an odd form is still one that can be drawn', () => {
  const store = storeOf(0);
  const odd = [{ type: 'asked', seq: 0, request: { id: 'q', kind: 'wish' } }, { type: 'agent_joined', seq: 1 }];
  assert.equal(store.apply(odd as unknown as AnyEvent[]), true);
  const { requests, roster } = store.record;
  assert.deepEqual([requests[0]?.kind, requests[0]?.touches, roster[0]?.name], ['question', [], 'agent']);
});

test('an event of a kind to come is passed over', () => {
  const store = storeOf(1);
  assert.equal(store.apply([{ type: 'sung', seq: 1 } as unknown as AnyEvent]), true);
  assert.equal(store.record.seq, 2);
});

test('listeners hear once a frame, however much happens, until they leave', () => {
  const store = storeOf(0);
  frame();
  let heard = 0;
  const leave = store.subscribe(() => (heard += 1));
  store.apply([said(0)]);
  store.apply([said(1)]);
  store.reset(store.record);
  assert.equal(heard, 0);
  frame();
  assert.equal(heard, 1);
  leave();
  store.apply([said(2)]);
  frame();
  assert.equal(heard, 1);
});

test('a snapshot leaves equal parts as they are, so that nothing is drawn anew', () => {
  const wire = (thought: string): unknown => ({
    run_id: 'r',
    status: 'running',
    result: { 'text/plain': 'x' },
    steps: ['a', 'b'].map(id => ({ id, task: 't', agent: 'x', number: 1, thought: id === 'b' ? thought : '', status: 'done', outputs: [{ output_type: 'display_data', data: { 'text/plain': 'out' } }] }))
  });
  const store = new RunStore(frozen(readRecord(wire('old'))), manual);
  const before = store.record;
  store.reset(frozen(readRecord(wire('new'))));
  assert.notEqual(store.record, before);
  assert.equal(store.record.steps[0], before.steps[0]);
  assert.equal(store.record.steps[1]?.thought, 'new');
  assert.equal(store.record.steps[1]?.outputs[0], before.steps[1]?.outputs[0]);
  assert.equal(store.record.result, before.result);
  store.reset(readRecord(wire('new')));
  assert.equal(store.apply([{ ...said(0), seq: store.record.seq }]), true);
  assert.equal(store.record.messages.length, 1);
});

test('a run whose kernel is gone has crashed, with nothing left open', () => {
  const store = storeOf(0);
  store.apply([
    { type: 'task_added', task: 't', agent: 'a', brief: '', seq: 0 },
    { type: 'step_started', step: 's', task: 't', agent: 'a', number: 1, seq: 1, at: 2 }
  ]);
  store.gone();
  const { status, steps, tasks, reason } = store.record;
  assert.deepEqual([status, steps[0]?.status, tasks[0]?.status], ['crashed', 'cancelled', 'failed']);
  assert.match(reason ?? '', /kernel/);
  const { seq } = store.record;
  store.gone('again');
  assert.equal(store.record.seq, seq);
});

test('the record of a newer version takes no events', () => {
  const store = new RunStore(readRecord({ version: 9, task: 'x' }), manual);
  assert.equal(store.apply([said(0)]), true);
  assert.equal(store.record.messages.length, 0);
});
