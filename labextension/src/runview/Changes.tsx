import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Change } from '../core/record';
import { CHANGE_MARKS, oneLine } from '../core/words';

const SHOWN = 24;

/** Changed variables as chips; a click on one shows all that is known of it. */
export function ChangeList({ changes, open = false, undone = false }: { changes: Change[]; open?: boolean; undone?: boolean }): JSX.Element | null {
  const [chosen, choose] = useState<number | null>(null);
  const [all, showAll] = useState(false);
  if (!changes.length) return null;
  const shown = all ? changes : changes.slice(0, SHOWN);
  return (
    <div class={`agentnb-changes${undone ? ' agentnb-undone' : ''}`}>
      {shown.map((change, index) => (
        <button type="button" key={index} class={`agentnb-change agentnb-${change.kind}`} title={sentence(change)} aria-expanded={open || chosen === index} onClick={() => choose(chosen === index ? null : index)}>
          <b aria-hidden="true">{CHANGE_MARKS[change.kind]}</b> {change.name}
          <span>{gist(change)}</span>
          {change.scope !== 'user' && <i>{change.scope}</i>}
        </button>
      ))}
      {shown.length < changes.length && <button type="button" class="agentnb-button agentnb-quiet" onClick={() => showAll(true)}>{changes.length - shown.length} more</button>}
      {changes.map((change, index) => (open ? change.detail.length > 0 : chosen === index) && <Detail key={index} change={change} />)}
    </div>
  );
}

function Detail({ change }: { change: Change }): JSX.Element {
  return (
    <div class="agentnb-detail">
      <b>{change.name}</b> {KINDS[change.kind]}
      {change.scope !== 'user' && ` in ${change.scope}'s own scope`}
      {(change.before ?? change.after) !== null && <div><code>{change.before ?? '—'}</code> → <code>{change.after ?? '—'}</code></div>}
      {change.detail.map((line, index) => <div key={index}>{line}</div>)}
    </div>
  );
}

const KINDS: Record<Change['kind'], string> = { added: 'added', rebound: 'rebound', mutated: 'changed in place', deleted: 'deleted' };

function gist(change: Change): string {
  const { kind, before, after } = change;
  if (kind === 'deleted' || after === null) return '';
  return oneLine(before !== null && before !== after ? `${before} → ${after}` : after, 60);
}

function sentence(change: Change): string {
  const { name, kind, before, after, detail, scope } = change;
  const whose = scope === 'user' ? '' : ` (${scope}'s own)`;
  const what = [before, after].filter(each => each !== null).join(' → ');
  return [`${name}${whose} ${KINDS[kind]}${what && `: ${what}`}`, ...detail].join('\n');
}
