import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { isTight, shares, type Share } from '../core/budget';
import { runCells } from '../core/cells';
import { isFinal } from '../core/fold';
import { isSummary } from '../core/normal';
import type { RunRecord } from '../core/record';
import { clock, duration, money, plural, tokens } from '../core/words';
import { useView } from './context';
import { insertCells, insertReplay } from './insert';
import { Button, Field, Mark, State, Sure, useTick } from './parts';

/** The state to show: a run that nobody runs any more does not look alive, one that waits for the person says so. */
export function shownStatus(record: RunRecord, live: boolean): string {
  if (isFinal(record.status)) return record.status;
  if (!live) return 'lost';
  return record.status === 'running' && record.requests.some(request => request.status === 'open') ? 'waiting' : record.status;
}

const HEADS: Record<string, string> = { lost: 'not connected', waiting: 'waits for you' };

export function Head({ record, now }: { record: RunRecord; now(): number }): JSX.Element {
  const view = useView();
  const status = shownStatus(record, view.live);
  const ticking = view.live && !isFinal(record.status);
  return (
    <header class={`agentnb-head agentnb-is-${status}`}>
      <div class="agentnb-title">
        <Mark status={status} />
        <State status={status} word={HEADS[status]} />
        <Task text={record.task} />
        <Controls record={record} />
      </div>
      {!isSummary(record) && <Figures record={record} now={now} ticking={ticking} />}
      <Why record={record} status={status} />
      {view.edited && <p class="agentnb-why">Edited since the run: this is not what the run left.</p>}
    </header>
  );
}

const LONG_TASK = 330;

function Task({ text }: { text: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  const long = text.length > LONG_TASK || text.split('\n').length > 4;
  return (
    <h2 class={long && !open ? 'agentnb-clamped' : ''}>
      {text || 'A run of agents'}
      {long && <Button kind="quiet" expanded={open} onClick={() => setOpen(!open)}>{open ? 'less' : 'more'}</Button>}
    </h2>
  );
}

function Figures({ record, now, ticking }: { record: RunRecord; now(): number; ticking: boolean }): JSX.Element {
  useTick(ticking);
  const elapsed = now();
  const limits = shares(record, elapsed);
  const { limits: most, usage } = record;
  const parts = [
    most.seconds === null && (ticking ? clock(elapsed) : duration(elapsed)),
    most.tokens === null && tokens(usage),
    most.money === null && money(usage),
    most.steps === null && record.steps.length > 0 && plural(record.steps.length, 'step'),
    record.approve === 'auto' ? '' : record.approve === 'ask' ? 'asks before each action' : 'asks for its plan',
    record.replayed ? 'replayed' : '',
    record.resumes && `goes on from run ${record.resumes}`,
    record.team && `team ${record.team}`
  ];
  return (
    <div class="agentnb-figures">
      <span class="agentnb-facts">{parts.filter(Boolean).join(' · ')}</span>
      {limits.map(share => <Budget key={share.name} share={share} />)}
    </div>
  );
}

function Budget({ share }: { share: Share }): JSX.Element {
  const percent = Math.round(share.part * 100);
  const look = share.part >= 1 ? ' agentnb-spent' : isTight(share) ? ' agentnb-tight' : '';
  return (
    <span class={`agentnb-budget${look}`} title={`${share.name}: ${share.used} of ${share.of} used (${percent}%)`}>
      <span class="agentnb-meter" role="meter" aria-label={`${share.name} used`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.min(percent, 100)} aria-valuetext={`${share.used} of ${share.of}`}>
        <i style={{ width: `${Math.min(percent, 100)}%` }} />
      </span>
      {share.used} of {share.of}
      {isTight(share) && <b>{share.part >= 1 ? ' used up' : ` ${percent}%`}</b>}
    </span>
  );
}

function Why({ record, status }: { record: RunRecord; status: string }): JSX.Element | null {
  const said = record.reason ?? (record.error ? `${record.error.name}: ${record.error.message}` : '');
  const lost = 'The kernel that runs it is not connected; this is how far it had come.';
  const text = status === 'lost' ? lost : said;
  if (!text || (status === 'done' && !isSummary(record))) return null;
  return <p class="agentnb-why">{text}</p>;
}

function Controls({ record }: { record: RunRecord }): JSX.Element {
  const { actions, send, live } = useView();
  const [more, setMore] = useState(false);
  const alive = live && Boolean(actions.command) && !isFinal(record.status);
  const offersMore = alive || actions.openRecord || actions.insertCells || (actions.command && record.steps.length > 0);
  return (
    <>
      <span class="agentnb-controls">
        {alive && record.status === 'running' && <Button onClick={() => void send({ name: 'pause' })} title="Let the steps in flight end, then wait">Pause</Button>}
        {alive && record.status === 'paused' && <Button kind="main" onClick={() => void send({ name: 'resume' })}>Resume</Button>}
        {alive && <Button kind="danger" onClick={() => void send({ name: 'stop' })}>Stop</Button>}
        {offersMore && <Button expanded={more} onClick={() => setMore(!more)}>More</Button>}
      </span>
      {more && <More record={record} alive={alive} />}
    </>
  );
}

function More({ record, alive }: { record: RunRecord; alive: boolean }): JSX.Element {
  const view = useView();
  const { actions, send } = view;
  const canUndo = actions.command && record.steps.some(step => !step.undone && step.changes.some(change => change.scope === 'user'));
  return (
    <div class="agentnb-more">
      {alive && <BudgetForm spec={record.budget} />}
      {actions.insertCells && <Button kind="quiet" onClick={() => void insertCells(view, runCells(record))}>Insert as cells</Button>}
      {actions.insertCells && actions.command && <Button kind="quiet" onClick={() => void insertReplay(view)} title="Insert a cell that runs the recorded code again, without a model">Insert replay cell</Button>}
      {canUndo && <Sure ask="Undo all changes?" onClick={() => void send({ name: 'undo' })} title="Take back what this run did to your variables">Undo run</Sure>}
      {actions.openRecord && <Button kind="quiet" onClick={() => actions.openRecord?.()}>Open record</Button>}
      {record.cut.length > 0 && <span class="agentnb-facts">left out to save space: {record.cut.join(', ')}</span>}
    </div>
  );
}

function BudgetForm({ spec }: { spec: string }): JSX.Element {
  const { send } = useView();
  const field = useRef<HTMLInputElement>(null);
  return (
    <form class="agentnb-inline" onSubmit={event => {
      event.preventDefault();
      void send({ name: 'budget', spec: field.current?.value.trim() ?? '' });
    }}>
      <Field label="Budget"><input ref={field} defaultValue={spec} placeholder="60k, $0.50, 5m" title="Tokens, money, time, steps, agents; empty for no limit" /></Field>
      <button type="submit" class="agentnb-button">Set</button>
    </form>
  );
}
