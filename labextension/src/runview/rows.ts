/** The delegation tree as a list of rows, as far as it is open. */
import { isFinal, isOpenStep, isOpenTask } from '../core/fold';
import type { StepNode, TaskNode } from '../core/outline';
import type { Step, Task } from '../core/record';

export interface TaskRow {
  kind: 'task';
  id: string;
  depth: number;
  open: boolean;
  task: Task;
  steps: number;
  parent: string;
}

export interface StepRow {
  kind: 'step';
  id: string;
  depth: number;
  open: boolean;
  step: Step;
  parent: string;
}

/** Stands for older steps that folded away. */
export interface MoreRow {
  kind: 'more';
  id: string;
  depth: number;
  open: false;
  steps: string[];
  parent: string;
}

/** What a task came to, below its steps. */
export interface ResultRow {
  kind: 'result';
  id: string;
  depth: number;
  open: false;
  task: Task;
  parent: string;
}

export type Row = TaskRow | StepRow | MoreRow | ResultRow;

/** Newest steps of a task that never fold away, and how many must be before them for a fold to be worth it. */
const KEPT = 20;
const WORTH = 5;
/** Newest steps of a task at work that stay open. */
const FRESH = 2;

export const taskRow = (id: string): string => `task:${id}`;
export const stepRow = (id: string): string => `step:${id}`;

/** `toggled` holds what the person opened and closed; the rest opens and folds away by itself. */
export function rowsOf(roots: TaskNode[], toggled: ReadonlyMap<string, boolean>, status: string): Row[] {
  const rows: Row[] = [];
  for (const root of roots) addTask(rows, root, 0, '', { toggled, status, single: roots.length === 1 });
  return rows;
}

interface How {
  toggled: ReadonlyMap<string, boolean>;
  status: string;
  single: boolean;
}

function addTask(rows: Row[], node: TaskNode, depth: number, parent: string, how: How): void {
  const { task, steps } = node;
  const id = taskRow(task.id);
  const natural = (depth === 0 && how.single) || isOpenTask(task.status) || task.status === 'failed';
  const open = how.toggled.get(id) ?? natural;
  rows.push({ kind: 'task', id, depth, open, task, steps: steps.length, parent });
  if (!open) return;
  const newest = task.status === 'completed' ? steps.length : steps.length - (isFinal(how.status) ? 1 : FRESH);
  let folded: string[] = [];
  const flush = (before: StepNode): void => {
    if (folded.length) rows.push({ kind: 'more', id: `more:${before.step.id}`, depth: depth + 1, open: false, steps: folded, parent: id });
    folded = [];
  };
  steps.forEach((each, index) => {
    const rowId = stepRow(each.step.id);
    if (index < steps.length - KEPT && canFold(each, how) && steps.length > KEPT + WORTH) {
      folded.push(each.step.id);
      return;
    }
    flush(each);
    const unfolded = how.toggled.get(rowId) ?? (index >= newest || isOpenStep(each.step.status) || isBad(each.step));
    rows.push({ kind: 'step', id: rowId, depth: depth + 1, open: unfolded, step: each.step, parent: id });
    for (const child of each.tasks) addTask(rows, child, depth + 2, rowId, how);
  });
  for (const child of node.tasks) addTask(rows, child, depth + 1, id, how);
  const told = steps.at(-1)?.step.error?.message === task.error?.message;
  if (depth > 0 && (task.result || (task.error && !told))) {
    rows.push({ kind: 'result', id: `result:${task.id}`, depth: depth + 1, open: false, task, parent: id });
  }
}

export const isBad = (step: Step): boolean => step.status === 'failed' || step.status === 'rejected';

function canFold(node: StepNode, how: How): boolean {
  const { step, tasks } = node;
  return !tasks.length && !isOpenStep(step.status) && !isBad(step) && !how.toggled.has(stepRow(step.id));
}

/** The rows that have to be open for a step to be seen, from the outermost in. */
export function pathTo(roots: TaskNode[], step: string): string[] {
  const search = (node: TaskNode): string[] | null => {
    for (const each of node.steps) {
      if (each.step.id === step) return [taskRow(node.task.id)];
      const below = first(each.tasks, search);
      if (below) return [taskRow(node.task.id), ...below];
    }
    const below = first(node.tasks, search);
    return below && [taskRow(node.task.id), ...below];
  };
  return first(roots, search) ?? [];
}

function first<T, R>(items: T[], find: (item: T) => R | null): R | null {
  for (const item of items) {
    const found = find(item);
    if (found) return found;
  }
  return null;
}
