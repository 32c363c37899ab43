/**
 * A record as a tree: tasks hold steps, a step holds the tasks that its code asked for (agentnb/views/outline.py).
 *
 * Links may dangle, cross or run in circles: every task and every step is placed exactly once.
 */
import { newTask } from './fold';
import type { RunRecord, Step, Task } from './record';

export interface StepNode {
  step: Step;
  tasks: TaskNode[];
}

/** `tasks` are those whose parent step is not known. */
export interface TaskNode {
  task: Task;
  steps: StepNode[];
  tasks: TaskNode[];
}

/** Deeper delegations are listed at the top level. */
const MAX_DEPTH = 12;

/** The roots of the tree: usually one, the coordinator's task. */
export function outline(record: RunRecord): TaskNode[] {
  const nodes = new Map<string, TaskNode>();
  for (const task of record.tasks) nodes.set(task.id, { task, steps: [], tasks: [] });
  const steps = new Map<string, StepNode>();
  for (const step of record.steps) {
    const node: StepNode = { step, tasks: [] };
    let home = nodes.get(step.task);
    if (!home) nodes.set(step.task, (home = { task: newTask(step.task, step.agent, ''), steps: [], tasks: [] }));
    steps.set(step.id, node);
    home.steps.push(node);
  }
  return place(nodes, steps);
}

function place(nodes: Map<string, TaskNode>, steps: Map<string, StepNode>): TaskNode[] {
  const below = new Map<string | null, string[]>();
  for (const [id, node] of nodes) {
    const owner = ownerOf(node.task, nodes, steps);
    const others = below.get(owner);
    if (others) others.push(id);
    else below.set(owner, [id]);
  }
  const roots: TaskNode[] = [];
  const depths = new Map<string, number>();
  // the nodes after the roots find circles, which no root leads to
  for (const start of [...(below.get(null) ?? []), ...nodes.keys()]) {
    if (depths.has(start)) continue;
    roots.push(nodes.get(start)!);
    depths.set(start, 0);
    const queue = [start];
    for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
      for (const id of below.get(parent) ?? []) {
        if (depths.has(id)) continue;
        const depth = (depths.get(parent)! + 1) % MAX_DEPTH;
        depths.set(id, depth);
        queue.push(id);
        const node = nodes.get(id)!;
        (depth ? siblings(node, nodes.get(parent)!, steps) : roots).push(node);
      }
    }
  }
  return roots;
}

function siblings(node: TaskNode, parent: TaskNode, steps: Map<string, StepNode>): TaskNode[] {
  const step = steps.get(node.task.parent_step ?? '');
  return step?.step.task === parent.task.id ? step.tasks : parent.tasks;
}

function ownerOf(task: Task, nodes: Map<string, TaskNode>, steps: Map<string, StepNode>): string | null {
  const step = steps.get(task.parent_step ?? '');
  const parent = step ? step.step.task : task.parent;
  return parent !== null && nodes.has(parent) && parent !== task.id ? parent : null;
}
