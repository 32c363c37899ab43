import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newTask } from '../src/core/fold';
import type { TaskNode } from '../src/core/outline';
import type { Step, Task } from '../src/core/record';
import { treeKey } from '../src/runview/keys';
import { pathTo, rowsOf, type Row } from '../src/runview/rows';
import { step } from './kit';

const task = (id: string, status: Task['status'], steps: Step[], below: TaskNode[] = []): TaskNode => ({
  task: { ...newTask(id, 'lead', id), status },
  steps: steps.map((each, index) => ({ step: each, tasks: index === 0 ? below : [] })),
  tasks: []
});
const many = (count: number): Step[] => Array.from({ length: count }, (_, index) => step(`s${index}`, { number: index + 1 }));
const words = (rows: Row[]): string[] => rows.map(row => `${row.id}${row.open ? '+' : ''}${row.kind === 'more' ? `(${row.steps.length})` : ''}`);

test('an ended run shows its first task with a line for each step, and tasks below closed', () => {
  const rows = rowsOf([task('a', 'completed', many(2), [task('b', 'completed', [step('x')])])], new Map(), 'done');
  assert.deepEqual(words(rows), ['task:a+', 'step:s0', 'task:b', 'step:s1']);
  assert.deepEqual(rows.map(row => row.depth), [0, 1, 2, 1]);
});

test('while a task is at work its newest steps and the failed ones are open, older ones fold away', () => {
  const steps = many(4).map((each, index) => (index === 0 ? { ...each, status: 'failed' as const } : each));
  assert.deepEqual(words(rowsOf([task('a', 'in_progress', steps)], new Map(), 'running')), ['task:a+', 'step:s0+', 'step:s1', 'step:s2+', 'step:s3+']);
});

test('many old steps become one row, failed ones and those that handed out tasks stay in sight', () => {
  const steps = many(100).map((each, index) => (index === 40 ? { ...each, status: 'failed' as const } : each));
  const rows = rowsOf([task('a', 'completed', steps, [task('b', 'completed', [])])], new Map(), 'done');
  assert.deepEqual(words(rows).slice(0, 6), ['task:a+', 'step:s0', 'task:b', 'more:s40(39)', 'step:s40+', 'more:s80(39)']);
  assert.equal(rows.length, 6 + 20);
});

test('what the person opened or closed stays so', () => {
  const toggled = new Map([['task:a', true], ['step:s1', true], ['step:s3', false], ['step:s50', false]]);
  const rows = words(rowsOf([task('a', 'in_progress', many(60))], toggled, 'running'));
  assert.deepEqual(rows.slice(0, 6), ['task:a+', 'more:s1(1)', 'step:s1+', 'more:s3(1)', 'step:s3', 'more:s40(36)']);
  assert.ok(rows.includes('step:s50'));
});

test('the way to a step leads through the tasks around it', () => {
  const roots = [task('z', 'completed', []), task('a', 'completed', many(2), [task('b', 'completed', [step('x')])])];
  assert.deepEqual(pathTo(roots, 'x'), ['task:a', 'task:b']);
  assert.deepEqual(pathTo(roots, 'nowhere'), []);
});

test('the keys of a tree', () => {
  const rows = rowsOf([task('a', 'completed', many(2), [task('b', 'completed', [step('x')])])], new Map(), 'done');
  const toggled: string[] = [];
  const press = (key: string, index: number): string | null => treeKey(key, rows, index, row => toggled.push(row.id));
  assert.deepEqual([press('ArrowDown', 0), press('ArrowDown', 3), press('ArrowUp', 1), press('Home', 3), press('End', 0)], ['step:s0', 'step:s1', 'task:a', 'task:a', 'step:s1']);
  assert.deepEqual([press('ArrowRight', 0), press('ArrowLeft', 1), press('ArrowLeft', 2)], ['step:s0', 'task:a', 'step:s0']);
  assert.deepEqual(toggled, []);
  assert.deepEqual([press('ArrowRight', 1), press('ArrowLeft', 0), press('Enter', 2), press(' ', 3)], ['step:s0', 'task:a', 'task:b', 'step:s1']);
  assert.deepEqual(toggled, ['step:s0', 'task:a', 'task:b', 'step:s1']);
  assert.equal(press('a', 0), null);
});
