/** A run or one of its steps as notebook cells, straight from the record: for where no kernel can be asked. */
import type { NotebookCell } from './host';
import { outline, type TaskNode } from './outline';
import type { RunRecord, Step } from './record';
import { oneLine } from './words';

export function stepCells(step: Step): NotebookCell[] {
  const cells: NotebookCell[] = [];
  if (step.thought.trim()) cells.push({ cell_type: 'markdown', source: step.thought });
  if (step.code?.trim()) cells.push({ cell_type: 'code', source: step.code.replace(/^\n+|\n+$/g, '') });
  return cells;
}

/** The whole run, to read: the task, then all steps, those of a delegated task before the step that called it. */
export function runCells(record: RunRecord): NotebookCell[] {
  const quoted = record.task.trim().split('\n').map(line => `> ${line}`);
  const cells: NotebookCell[] = [{ cell_type: 'markdown', source: `**Task**\n\n${quoted.join('\n')}` }];
  const walk = (node: TaskNode, depth: number): void => {
    if (depth) cells.push({ cell_type: 'markdown', source: `**${node.task.agent}**: ${oneLine(node.task.brief, 300)}` });
    for (const { step, tasks } of node.steps) {
      for (const task of tasks) walk(task, depth + 1);
      cells.push(...stepCells(step));
    }
    for (const task of node.tasks) walk(task, depth + 1);
  };
  for (const root of outline(record)) walk(root, 0);
  return cells;
}
