import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { groups } from '../core/lanes';
import type { Request, RunRecord } from '../core/record';
import { plural } from '../core/words';
import { Blocks } from './Blocks';
import { useView } from './context';
import { treeKey } from './keys';
import type { Row } from './rows';
import { StepBody } from './StepBody';
import { StepLine } from './StepLine';
import { Brief, Outcome, TaskLine } from './TaskLine';

interface Props {
  record: RunRecord;
  rows: Row[];
  tints: Map<string, string>;
  now(): number;
}

const NONE: Request[] = [];

/** Who does what for whom, and each step of it. */
export function Tree({ record, rows, tints, now }: Props): JSX.Element {
  const { state } = useView();
  const tree = useRef<HTMLDivElement>(null);
  const requests = groups(record.requests, request => request.step ?? '');
  const focus = rows.some(row => row.id === state.focus) ? state.focus : rows[0]?.id;
  const toggle = (row: Row): void => state.change(() => open(row, state.toggled));
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = (event.target as HTMLElement).dataset['row'];
    const index = at === undefined ? -1 : rows.findIndex(row => row.id === at);
    const to = index < 0 ? null : treeKey(event.key, rows, index, toggle);
    if (to === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    state.change(() => (state.focus = to));
    focusRow(tree.current, to);
  };
  const draw = (row: Row): JSX.Element => (
    <div
      key={row.id}
      role="treeitem"
      class={`agentnb-row agentnb-row-${row.kind}${row.open ? ' agentnb-open' : ''}`}
      style={{ '--agentnb-depth': String(Math.min(row.depth, 8)) } as JSX.CSSProperties}
      data-row={row.id}
      tabIndex={row.id === focus ? 0 : -1}
      aria-level={row.depth + 1}
      aria-expanded={row.kind === 'result' ? undefined : row.open}
      onFocusIn={() => (state.focus = row.id)}
    >
      <Content record={record} row={row} toggle={toggle} tints={tints} now={now} requests={row.kind === 'step' ? (requests.get(row.step.id) ?? NONE) : NONE} />
    </div>
  );
  return (
    <div ref={tree} role="tree" aria-label="Tasks and steps" class="agentnb-tree" onKeyDown={onKeyDown}>
      <Blocks rows={rows} draw={draw} keep={focus} />
    </div>
  );
}

/** Opens or closes a row; older steps that had folded away come back as lines. */
function open(row: Row, toggled: Map<string, boolean>): void {
  if (row.kind === 'more') for (const step of row.steps) toggled.set(`step:${step}`, false);
  else if (row.kind !== 'result') toggled.set(row.id, !row.open);
}

/** Focuses a row, once it is drawn. */
export function focusRow(root: HTMLElement | null, id: string): void {
  const find = (tries: number): void => {
    const row = root?.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`);
    if (row) {
      row.focus({ preventScroll: true });
      row.scrollIntoView({ block: 'nearest' });
    } else if (tries) {
      requestAnimationFrame(() => find(tries - 1));
    }
  };
  find(10);
}

interface ContentProps {
  record: RunRecord;
  row: Row;
  toggle(row: Row): void;
  tints: Map<string, string>;
  now(): number;
  requests: Request[];
}

function Content({ record, row, toggle, tints, now, requests }: ContentProps): JSX.Element {
  if (row.kind === 'result') return <Outcome task={row.task} />;
  const line = (content: JSX.Element | string): JSX.Element => (
    <div class="agentnb-line" onClick={() => toggle(row)}>
      <svg class="agentnb-chevron" viewBox="0 0 16 16" aria-hidden="true"><path d="M6 4l4 4-4 4" /></svg>
      {content}
    </div>
  );
  switch (row.kind) {
    case 'more':
      return line(`${plural(row.steps.length, 'earlier step')}`);
    case 'task':
      return (
        <>
          {line(<TaskLine task={row.task} steps={row.steps} open={row.open} tint={tints.get(row.task.agent)} now={now} />)}
          {row.open && row.task.brief.trim() !== record.task.trim() && <Brief text={row.task.brief} />}
        </>
      );
    case 'step':
      return (
        <>
          {line(<StepLine step={row.step} open={row.open} now={now} />)}
          {row.open && <div class="agentnb-body"><StepBody step={row.step} requests={requests} /></div>}
        </>
      );
  }
}
