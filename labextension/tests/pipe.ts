/** Answers each line of JSON on standard input with one: `{events}` with the record they fold into, `{record}` with its picture, `{sealed}` with its seal. */
import { createInterface } from 'node:readline';
import { fold } from '../src/core/fold';
import { chart } from '../src/core/lanes';
import { emptyRecord, readRecord } from '../src/core/normal';
import { outline, type TaskNode } from '../src/core/outline';
import type { AnyEvent } from '../src/core/record';
import { seal } from '../src/lab/seal';

interface Asked {
  events?: AnyEvent[];
  record?: unknown;
  sealed?: unknown;
}

type Tree = [string, [string, Tree[]][], Tree[]];

const ids = ({ task, steps, tasks }: TaskNode): Tree => [
  task.id,
  steps.map(({ step, tasks: below }) => [step.id, below.map(ids)]),
  tasks.map(ids)
];

function answer({ events, record, sealed }: Asked): unknown {
  if (sealed !== undefined) return seal(sealed);
  if (events) return fold(emptyRecord(), events);
  const read = readRecord(record);
  const { lanes, arrows, end, leftOut } = chart(read);
  return {
    outline: outline(read).map(ids),
    lanes: lanes.map(lane => [lane.agent, lane.number, lane.bars.map(bar => [bar.start, bar.end, bar.kind]), lane.ends.map(each => [each.at, each.status])]),
    arrows: arrows.map(arrow => [arrow.at, arrow.source, arrow.target]),
    end,
    left_out: leftOut
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Asked))}\n`);
}
