import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { agentStates } from '../src/core/agents';
import { shares } from '../src/core/budget';
import { runCells } from '../src/core/cells';
import { chart } from '../src/core/lanes';
import { emptyRecord, isSummary, readRecord } from '../src/core/normal';
import { outline } from '../src/core/outline';
import type { RunRecord } from '../src/core/record';
import { rowsOf } from '../src/runview/rows';
import { chance } from './kit';

const { record: sound } = JSON.parse(readFileSync('../tests/data/folds/team.json', 'utf8')) as { record: RunRecord };

/** Everything that is computed of a record before it is drawn. */
function use(record: RunRecord): void {
  const roots = outline(record);
  rowsOf(roots, new Map(), record.status);
  agentStates(record);
  shares(record, record.timing.elapsed);
  runCells(record);
  const picture = chart(record);
  assert.ok(Number.isFinite(picture.end));
}

test('a sound record is read as it is', () => {
  assert.deepEqual(readRecord(sound), sound);
  assert.deepEqual(readRecord(JSON.stringify(sound)), sound);
});

test('what is no record reads as one to which something happened, never as a live or a good one', () => {
  for (const value of [null, undefined, 7, '', '{', '[]', [], {}, { status: 'fine', steps: 'none', usage: [] }]) {
    const record = readRecord(value);
    assert.equal(record.status, 'crashed');
    use(record);
  }
  assert.equal(emptyRecord().status, 'running');
});

test('fields that fit stay where others are damaged', () => {
  const record = readRecord({
    task: 'Do it',
    status: 'done',
    roster: [{ name: 'quant', tools: ['a', 7] }, 'nobody'],
    tasks: [{ id: 't', agent: 'quant', brief: 4, status: 'sleeping', usage: { input_tokens: 5, cost: 'much' } }],
    steps: [{ id: 't', outputs: [{ output_type: 'stream', text: ['a', 'b'] }, { output_type: 'odd' }, 3] }, { id: 't' }],
    requests: [{ id: 'q', status: 'whatever' }],
    timing: { elapsed: null }
  });
  assert.deepEqual(record.roster.map(member => [member.name, member.tools, member.mode]), [['quant', ['a'], 'scratch']]);
  assert.deepEqual([record.tasks[0]?.status, record.tasks[0]?.brief, record.tasks[0]?.usage.input_tokens, record.tasks[0]?.usage.cost], ['cancelled', '', 5, null]);
  assert.deepEqual(record.steps.map(step => step.id), ['t', 't~2']);
  assert.deepEqual(record.steps[0]?.outputs, [{ output_type: 'stream', name: 'stdout', text: 'ab' }]);
  assert.deepEqual([record.requests[0]?.status, record.timing.elapsed, record.task], ['withdrawn', 0, 'Do it']);
});

test('a newer version degrades to a summary', () => {
  const record = readRecord({ ...sound, version: 4 });
  assert.ok(isSummary(record));
  assert.deepEqual([record.task, record.status, record.result, record.steps], [sound.task, 'done', { 'text/plain': '7' }, []]);
  assert.match(record.reason ?? '', /pip install -U agentnb/);
});

test('tasks that run in circles are each placed once', () => {
  const record = readRecord({
    tasks: [
      { id: 'a', parent: 'b' },
      { id: 'b', parent: 'a' },
      { id: 'c', parent: 'c', parent_step: 's' }
    ],
    steps: [{ id: 's', task: 'c' }, { id: 'x', task: 'nowhere' }]
  });
  const seen: string[] = [];
  const walk = (nodes: ReturnType<typeof outline>): void => {
    for (const node of nodes) {
      seen.push(node.task.id);
      node.steps.forEach(each => walk(each.tasks));
      walk(node.tasks);
    }
  };
  walk(outline(record));
  assert.deepEqual(seen.sort(), ['a', 'b', 'c', 'nowhere']);
});

const JUNK: unknown[] = [null, true, -1, 1e300, 'x', '', [], {}, [[]], { a: 1 }, 'running', NaN, '__proto__', ['a', null]];

test('10,000 damaged records are read and computed without an error', () => {
  const random = chance(7);
  const text = JSON.stringify(sound);
  for (let round = 0; round < 10_000; round++) {
    const damaged = JSON.parse(text) as unknown;
    for (let times = 1 + Math.floor(random() * 4); times; times--) damage(damaged, random);
    use(readRecord(damaged));
  }
});

/** Goes down a random way and leaves junk, nothing, or a copy there. */
function damage(value: unknown, random: () => number): void {
  if (typeof value !== 'object' || value === null) return;
  const parts = value as Record<string, unknown>;
  const keys = Object.keys(parts);
  const key = keys[Math.floor(random() * keys.length)];
  if (key === undefined) return;
  const kind = random();
  if (kind < 0.6) damage(parts[key], random);
  else if (kind < 0.85) parts[key] = JUNK[Math.floor(random() * JUNK.length)];
  else if (kind < 0.95) delete parts[key];
  else if (Array.isArray(value)) value.push(value[0]);
}
