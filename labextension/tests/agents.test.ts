import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentStates } from '../src/core/agents';
import { isTight, shares } from '../src/core/budget';
import { runCells } from '../src/core/cells';
import { fold } from '../src/core/fold';
import { emptyRecord, readRecord } from '../src/core/normal';
import type { AnyEvent, Member, Request, RunRecord } from '../src/core/record';

const member = (name: string, more: Partial<Member> = {}): Member => ({ name, role: '', kind: 'specialist', model: '', mode: 'scratch', tools: [], team: '', joined_at: 0, left_at: null, ...more });
const joined = (name: string): AnyEvent => ({ type: 'agent_joined', member: member(name) });

function run(...more: AnyEvent[]): RunRecord {
  const events: AnyEvent[] = [
    joined('lead'),
    joined('quant'),
    { type: 'task_added', task: 't1', agent: 'lead', brief: 'Do it' },
    { type: 'task_changed', task: 't1', status: 'in_progress' },
    { type: 'step_started', step: 's1', task: 't1', agent: 'lead', number: 1 },
    ...more
  ];
  return fold(emptyRecord(), events.map((event, seq) => ({ ...event, seq, at: seq })));
}

const HANDED_OUT: AnyEvent[] = [
  { type: 'reply_ended', step: 's1', thought: 'Over to quant.', code: 'await quant("Fit")', usage: { input_tokens: 80, output_tokens: 20, cached_tokens: 0, calls: 1, estimated: false, cost: 0.5 } },
  { type: 'action_started', step: 's1' },
  { type: 'task_added', task: 't2', agent: 'quant', brief: 'Fit', parent: 't1', parent_step: 's1' },
  { type: 'task_changed', task: 't2', status: 'in_progress' },
  { type: 'step_started', step: 's2', task: 't2', agent: 'quant', number: 1 }
];
const doing = (record: RunRecord): string[] => agentStates(record).map(({ member: { name }, activity, for: whom }) => `${name} ${activity} ${whom}`.trim());

test('an agent thinks, acts, waits for those it asked, is idle or has left', () => {
  assert.deepEqual(doing(run()), ['lead thinking', 'quant idle']);
  assert.deepEqual(doing(run(...HANDED_OUT.slice(0, 2))), ['lead acting', 'quant idle']);
  assert.deepEqual(doing(run(...HANDED_OUT)), ['lead waiting quant', 'quant thinking']);
  assert.deepEqual(doing(run(...HANDED_OUT, { type: 'task_changed', task: 't2', status: 'completed' }, { type: 'agent_left', name: 'quant' })), ['lead acting', 'quant left']);
});

test('an agent whose request is open waits for the person', () => {
  const request = readRecord({ requests: [{ id: 'q', kind: 'action', agent: 'lead', step: 's1', status: 'open' }] }).requests[0] as Request;
  assert.deepEqual(doing(run({ type: 'asked', request })), ['lead waiting you', 'quant idle']);
});

test('usage counts for the agent of the task, and who is hired again is shown once', () => {
  const record = run(...HANDED_OUT, { type: 'agent_left', name: 'quant' }, joined('quant'));
  const [lead, quant, ...others] = agentStates(record);
  assert.deepEqual([lead?.tokens, lead?.cost, lead?.step, quant?.tokens, quant?.cost, quant?.member.left_at], [100, 0.5, 's1', 0, null, null]);
  assert.deepEqual(others, []);
});

test('only limits that are set are shown, with a warning from 80% on', () => {
  const record = { ...run(...HANDED_OUT), limits: { tokens: 120, money: null, seconds: 300, steps: 2, agents: 5 } };
  assert.deepEqual(shares(record, 30).map(share => [share.name, share.used, share.of, isTight(share)]), [
    ['time', '30 s', '5 min', false],
    ['tokens', '100', '120 tokens', true],
    ['steps', '2', '2 steps', true],
    ['agents', '2', '5 agents', false]
  ]);
});

test('a run as cells has the delegated work before the step that called it', () => {
  const record = run(...HANDED_OUT, { type: 'reply_ended', step: 's2', thought: 'Fitting.', code: '\nfit()\n' });
  record.task = 'Do it\nwell';
  assert.deepEqual(runCells(record).map(cell => `${cell.cell_type}: ${cell.source}`), [
    'markdown: **Task**\n\n> Do it\n> well',
    'markdown: **quant**: Fit',
    'markdown: Fitting.',
    'code: fit()',
    'markdown: Over to quant.',
    'code: await quant("Fit")'
  ]);
});
