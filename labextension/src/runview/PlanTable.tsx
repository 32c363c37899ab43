import type { JSX } from 'preact';
import type { PlanItem } from '../core/record';
import { count, dollars } from '../core/words';
import { Button } from './parts';

/** A coordinator's plan, a line for each task; to be edited where `onChange` is given. */
export function PlanTable({ items, onChange }: { items: PlanItem[]; onChange?(items: PlanItem[]): void }): JSX.Element {
  const total = items.reduce((sum, item) => sum + (item.tokens ?? 0), 0);
  return (
    <div class="agentnb-plan">
      <table>
        <thead>
          <tr><th>Agent</th><th>Task</th><th>Tokens</th>{onChange && <th aria-label="remove" />}</tr>
        </thead>
        <tbody>
          {items.map((item, index) => onChange ? <Edited key={index} item={item} onChange={next => onChange(items.flatMap((each, place) => (place === index ? next : each)))} /> : (
            <tr key={index}>
              <td>{item.agent}</td>
              <td>{item.brief}</td>
              <td>{cost(item)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="agentnb-facts">
        {onChange && <Button kind="quiet" onClick={() => onChange([...items, { agent: '', brief: '', tokens: null, cost: null }])}>Add a line</Button>}
        {total > 0 && `about ${count(total)} tokens in all`}
      </div>
    </div>
  );
}

function cost(item: PlanItem): string {
  return [item.tokens === null ? '' : count(item.tokens), item.cost === null ? '' : dollars(item.cost)].filter(Boolean).join(' · ');
}

function Edited({ item, onChange }: { item: PlanItem; onChange(next: PlanItem[]): void }): JSX.Element {
  const edit = (part: Partial<PlanItem>): void => onChange([{ ...item, ...part }]);
  return (
    <tr>
      <td><input aria-label="Agent" value={item.agent} onInput={event => edit({ agent: event.currentTarget.value })} /></td>
      <td><textarea aria-label="Task" rows={Math.min(4, 1 + Math.floor(item.brief.length / 70))} value={item.brief} onInput={event => edit({ brief: event.currentTarget.value })} /></td>
      <td><input aria-label="Tokens" type="number" min="0" step="1000" value={item.tokens ?? ''} onInput={event => edit({ tokens: wholeNumber(event.currentTarget.value) })} /></td>
      <td><Button kind="quiet" title="Remove this line" onClick={() => onChange([])}>×</Button></td>
    </tr>
  );
}

function wholeNumber(text: string): number | null {
  const number = Math.round(Number(text));
  return text && number >= 0 ? number : null;
}
