import type { JSX } from 'preact';
import { isOpenTask } from '../core/fold';
import type { Task } from '../core/record';
import { oneLine, plural, tokens } from '../core/words';
import { useView } from './context';
import { Bundle, Failure } from './Foreign';
import { memo } from './memo';
import { agentStyle, Mark, State, Took } from './parts';

interface Props {
  task: Task;
  steps: number;
  open: boolean;
  tint: string | undefined;
  now(): number;
}

/** A task on one line: who does what, how it stands, what it took. */
export const TaskLine = memo(({ task, steps, open, tint, now }: Props): JSX.Element => {
  const { live } = useView();
  const busy = isOpenTask(task.status);
  const status = busy && !live ? 'lost' : task.status;
  const facts = [plural(steps, 'step'), tokens(task.usage)].filter(Boolean).join(' · ');
  return (
    <>
      <Mark status={status} />
      <span class="agentnb-name" style={agentStyle(tint)}>{task.agent}</span>
      <span class="agentnb-gist">{open ? '' : oneLine(task.brief, 200)}</span>
      <span class="agentnb-side">
        {task.status !== 'completed' && <State status={status} word={status === 'lost' ? 'not ended' : undefined} />}
        <span class="agentnb-facts agentnb-optional">{facts}</span>
        {task.started_at !== null && <Took from={task.started_at} to={task.ended_at} ticking={busy && live} now={now} />}
      </span>
    </>
  );
});

export const Brief = memo(({ text }: { text: string }): JSX.Element | null =>
  text.trim() ? <p class="agentnb-brief">{text}</p> : null
);

/** What a task gave back, or why it gave nothing. */
export const Outcome = memo(({ task }: { task: Task }): JSX.Element => (
  <div class="agentnb-outcome">
    {task.error && <Failure name={task.error.name} message={task.error.message} lines={task.error.traceback} />}
    {task.result && <><span class="agentnb-facts">gives back</span><Bundle data={task.result} /></>}
  </div>
));
