import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isFinal } from '../core/fold';
import type { Actions, Renderer } from '../core/host';
import { colours } from '../core/lanes';
import { isSummary } from '../core/normal';
import { outline } from '../core/outline';
import type { Command, Reply } from '../core/protocol';
import type { RunRecord } from '../core/record';
import type { RunStore } from '../core/store';
import { plural, stateWord } from '../core/words';
import { Provide, type View } from './context';
import { Figures } from './Figures';
import { Bundle } from './Foreign';
import { Head, shownStatus } from './Head';
import { isOurs } from './keys';
import { Button, Section } from './parts';
import { Requests } from './Requests';
import { pathTo, rowsOf, stepRow } from './rows';
import { Talk } from './Say';
import type { ViewState } from './state';
import { Team } from './Team';
import { Timeline } from './Timeline';
import { focusRow, Tree } from './Tree';

export interface Options {
  renderer: Renderer;
  actions: Actions;
  live: boolean;
  /** Whether the record is another one than the run left. */
  edited?: boolean;
}

interface Notice {
  text: string;
  bad: boolean;
}

/** The one view of a run. */
export function RunView({ store, state, renderer, actions, live, edited = false }: Options & { store: RunStore; state: ViewState }): JSX.Element {
  const { record, now } = useRun(store);
  const [, redraw] = useState(0);
  const [notice, tell] = useNotice();
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => state.subscribe(() => redraw(number => number + 1)), [state]);
  const view = useMemo<View>(() => {
    const send = (command: Command): Promise<Reply> => sent(actions, command, tell);
    const jump = (step: string): void => {
      state.change(() => {
        for (const row of pathTo(outline(store.record), step)) state.toggled.set(row, true);
        state.toggled.set(stepRow(step), true);
        state.focus = stepRow(step);
      });
      focusRow(root.current, stepRow(step));
    };
    const answer = (request: string): void => {
      const field = root.current?.querySelector<HTMLElement>(`[data-request="${CSS.escape(request)}"] :is(textarea, input, .agentnb-main)`);
      field?.focus();
    };
    return { renderer, actions, live, edited, store, state, send, jump, answer, tell: (text, bad = false) => tell({ text, bad }) };
  }, [renderer, actions, live, edited, store, state, tell]);
  const status = shownStatus(record, live);
  return (
    <Provide value={view}>
      <div ref={root} class={`agentnb-run agentnb-run-${status}`} data-run={record.run_id} data-seq={record.seq} data-status={record.status} onKeyDown={keepKeys}>
        <Head record={record} now={now} />
        <div role="status" aria-live="polite" class="agentnb-quietly">{announced(record, status)}</div>
        {notice && <p role="alert" class={`agentnb-notice${notice.bad ? ' agentnb-bad' : ''}`}>{notice.text}<Button kind="quiet" title="Dismiss" onClick={() => tell(null)}>×</Button></p>}
        <Requests record={record} now={now} />
        <Result record={record} />
        <Figures record={record} />
        {!isSummary(record) && <Rest record={record} now={now} view={view} />}
      </div>
    </Provide>
  );
}

function Rest({ record, now, view }: { record: RunRecord; now(): number; view: View }): JSX.Element {
  const { state } = view;
  const tints = useMemo(() => colours(record), [record.roster, record.tasks]);
  const roots = useMemo(() => outline(record), [record]);
  const rows = rowsOf(roots, state.toggled, record.status);
  const line = (
    <Button kind="quiet" expanded={state.timeline} onClick={() => state.change(() => (state.timeline = !state.timeline))}>Time line</Button>
  );
  return (
    <>
      <Team record={record} tints={tints} />
      {rows.length > 0 && (
        <Section name="work" label="Work" side={line}>
          {state.timeline && <Timeline record={record} tints={tints} now={now} />}
          <Tree record={record} rows={rows} tints={tints} now={now} />
        </Section>
      )}
      <Talk record={record} />
    </>
  );
}

function Result({ record }: { record: RunRecord }): JSX.Element | null {
  if (!record.result) return null;
  return (
    <Section name="result" label="Result" side={record.result_name && !isSummary(record) && <code>{record.result_name}</code>}>
      <Bundle data={record.result} />
    </Section>
  );
}

/** The record as it changes, and the time since the run's start, which goes on between events. */
function useRun(store: RunStore): { record: RunRecord; now(): number } {
  const [record, setRecord] = useState(store.record);
  useEffect(() => {
    setRecord(store.record);
    return store.subscribe(() => setRecord(store.record));
  }, [store]);
  const clock = useRef({ elapsed: -1, at: 0 });
  const { elapsed } = record.timing;
  if (clock.current.elapsed !== elapsed) clock.current = { elapsed, at: performance.now() };
  const now = useMemo(() => (): number => {
    const { status, timing } = store.record;
    return isFinal(status) ? timing.elapsed : clock.current.elapsed + (performance.now() - clock.current.at) / 1000;
  }, [store]);
  return { record, now };
}

const BRIEFLY = 6000;

/** One sentence at a time; a good one goes by itself. */
function useNotice(): [Notice | null, (notice: Notice | null) => void] {
  const [notice, tell] = useState<Notice | null>(null);
  useEffect(() => {
    if (!notice || notice.bad) return;
    const timer = setTimeout(() => tell(null), BRIEFLY);
    return () => clearTimeout(timer);
  }, [notice]);
  return [notice, tell];
}

async function sent(actions: Actions, command: Command, tell: (notice: Notice | null) => void): Promise<Reply> {
  let reply: Reply = { ok: false, text: 'No kernel is connected to this run.' };
  try {
    if (actions.command) reply = await actions.command(command);
  } catch (error) {
    reply = { ok: false, text: `The kernel could not be told: ${String(error)}` };
  }
  tell(reply.text ? { text: reply.text, bad: !reply.ok } : null);
  return reply;
}

/** What a screen reader hears when it changes. */
function announced(record: RunRecord, status: string): string {
  const open = record.requests.filter(request => request.status === 'open');
  const asks = open.length && !isFinal(record.status) ? `, ${plural(open.length, 'request')} waiting for you` : '';
  return `Run ${status === 'lost' ? 'not connected' : stateWord(status)}${asks}`;
}

/** What is typed into the view is not for the notebook around it. */
function keepKeys(event: KeyboardEvent): void {
  if (isOurs(event)) event.stopPropagation();
}
