import type { JSX } from 'preact';
import { isOpenStep } from '../core/fold';
import { isObject } from '../core/normal';
import type { Step } from '../core/record';
import { CHANGE_MARKS, count, duration, money, oneLine, plural, stateWord, tokensOf, unmarked } from '../core/words';
import { useView } from './context';
import { memo } from './memo';
import { Mark, State, Took } from './parts';

/** A step on one line. */
export const StepLine = memo(({ step, open, now }: { step: Step; open: boolean; now(): number }): JSX.Element => {
  const { live } = useView();
  const busy = isOpenStep(step.status);
  const status = busy && !live ? 'lost' : step.status;
  return (
    <>
      <Mark status={status} />
      <span class="agentnb-number">{step.number}</span>
      {open ? <span class="agentnb-gist agentnb-facts">{facts(step)}</span> : <span class="agentnb-gist">{gist(step)}</span>}
      <span class="agentnb-side">
        {!open && <Hints step={step} />}
        {step.undone && <span class="agentnb-tag">undone</span>}
        {step.final && <span class="agentnb-tag">answer</span>}
        {status !== 'done' && <State status={status} word={status === 'lost' ? 'not ended' : stateWord(status)} />}
        <Took from={step.timing.asked_at} to={step.timing.code_ended_at ?? step.timing.replied_at} ticking={busy && live} now={now} />
      </span>
    </>
  );
});

function gist(step: Step): string {
  const text = step.thought.trim() || step.code?.trim() || (step.error ? `${step.error.name}: ${step.error.message}` : '');
  return oneLine(unmarked(text.slice(0, 1000)), 200);
}

/** What the step took. */
function facts({ timing, usage }: Step): string {
  const { asked_at, replied_at, code_started_at, code_ended_at } = timing;
  const parts = [
    replied_at !== null && `model ${duration(replied_at - asked_at)}`,
    code_started_at !== null && code_ended_at !== null && `code ${duration(code_ended_at - code_started_at)}`,
    tokensOf(usage) > 0 && `${count(usage.input_tokens)} in, ${count(usage.output_tokens)} out`,
    usage.cached_tokens > 0 && `${count(usage.cached_tokens)} cached`,
    money(usage)
  ];
  return parts.filter(Boolean).join(' · ');
}

/** What there is to see when the step is opened. */
function Hints({ step }: { step: Step }): JSX.Element {
  const kinds = step.outputs.map(output => (isObject(output['data']) ? Object.keys(output['data']).join() : ''));
  const figures = kinds.filter(kind => kind.includes('image/')).length;
  const tables = kinds.filter(kind => kind.includes('text/html')).length;
  const own = step.changes.filter(change => change.scope === 'user');
  const changed = own.slice(0, 3).map(change => `${CHANGE_MARKS[change.kind]}${oneLine(change.name, 16)}`).join(' ');
  return (
    <>
      {changed && <code class="agentnb-hint agentnb-optional">{changed}{own.length > 3 && ' …'}</code>}
      {figures > 0 && <span class="agentnb-tag">{plural(figures, 'figure')}</span>}
      {tables > 0 && <span class="agentnb-tag">{plural(tables, 'table')}</span>}
    </>
  );
}
