import type { JSX } from 'preact';
import { isFinal } from '../core/fold';
import { chart, ticks, type Bar, type Chart, type Lane } from '../core/lanes';
import type { RunRecord } from '../core/record';
import { duration, oneLine } from '../core/words';
import { useView } from './context';
import { agentStyle, Mark, useTick } from './parts';

const ROW = 24;
const BAR = 12;
const MARKED = 40;

/** Who was at what when: a lane for each agent, model time pale, code time full, waiting a thin line. */
export function Timeline({ record, tints, now }: { record: RunRecord; tints: Map<string, string>; now(): number }): JSX.Element {
  const { live } = useView();
  const ticking = live && !isFinal(record.status);
  useTick(ticking);
  const picture = chart(record, ticking ? now() : record.timing.elapsed);
  if (!picture.lanes.length) return <p class="agentnb-facts">Nothing has started yet.</p>;
  const height = picture.lanes.length * ROW;
  return (
    <div class="agentnb-timeline">
      <div class="agentnb-lanes" aria-hidden="true">
        {picture.lanes.map((lane, index) => (
          <div key={index} class="agentnb-name" style={{ ...agentStyle(tints.get(lane.agent)), height: `${ROW}px` }}>
            {oneLine(lane.agent, 18)}{lane.number > 1 && ` ·${lane.number}`}
          </div>
        ))}
      </div>
      <div class="agentnb-chart">
        <svg width="100%" height={height} role="group" aria-label="Time line; arrow keys go from stretch to stretch, Enter opens the step" onKeyDown={move}>
          {ticks(picture.end).map(tick => <line key={tick} class="agentnb-tick" x1={x(tick, picture)} x2={x(tick, picture)} y1="0" y2={height} />)}
          {picture.lanes.map((lane, index) => <LaneBars key={index} lane={lane} index={index} picture={picture} tint={tints.get(lane.agent)} />)}
          {picture.arrows.map((arrow, index) => <Delegation key={index} at={x(arrow.at, picture)} source={arrow.source} target={arrow.target} />)}
        </svg>
        <div class="agentnb-axis" aria-hidden="true">
          {ticks(picture.end).map(tick => <span key={tick} style={{ left: x(tick, picture) }}>{tick === 0 ? '0' : duration(tick).replace('.0 s', ' s').replace(/ 00 s$/, '')}</span>)}
        </div>
        <div class="agentnb-legend" aria-hidden="true">
          <i class="agentnb-model" /> model <i class="agentnb-ran" /> code <i class="agentnb-wait" /> waits for others
          {picture.leftOut > 0 && <span>{picture.leftOut} more tasks not drawn</span>}
        </div>
      </div>
    </div>
  );
}

const x = (at: number, picture: Chart): string => `${((Math.min(at, picture.end) / picture.end) * 98).toFixed(3)}%`;

const WORDS: Record<Bar['kind'], string> = { model: 'model', code: 'code', wait: 'waits for others' };

function LaneBars({ lane, index, picture, tint }: { lane: Lane; index: number; picture: Chart; tint: string | undefined }): JSX.Element {
  const { jump } = useView();
  const top = index * ROW + (ROW - BAR) / 2;
  return (
    <g style={agentStyle(tint)}>
      {lane.bars.map((bar, place) => {
        const what = `${lane.agent}: ${WORDS[bar.kind]}, ${duration(bar.end - bar.start)} from ${duration(bar.start)}`;
        const width = `${Math.max(((bar.end - bar.start) / picture.end) * 98, 0.15).toFixed(3)}%`;
        return (
          <rect
            key={place}
            class={`agentnb-stretch agentnb-${bar.kind}`}
            x={x(bar.start, picture)}
            y={bar.kind === 'wait' ? top + BAR / 2 - 1 : top}
            width={width}
            height={bar.kind === 'wait' ? 2 : BAR}
            rx="2"
            role="button"
            aria-label={what}
            tabindex={index === 0 && place === 0 ? 0 : -1}
            data-step={bar.step}
            onClick={() => jump(bar.step)}
          >
            <title>{what}</title>
          </rect>
        );
      })}
      {lane.ends.slice(-MARKED).map(({ at, status }, place) => status !== 'in_progress' && status !== 'pending' && (
        <svg key={place} x={x(at, picture)} y={top - 1} width="16" height="14" overflow="visible"><g transform="translate(2 0) scale(.85)"><Mark status={status} /></g></svg>
      ))}
    </g>
  );
}

function Delegation({ at, source, target }: { at: string; source: number; target: number }): JSX.Element {
  const down = target > source;
  const from = source * ROW + ROW / 2;
  const to = target * ROW + ROW / 2 + (down ? -BAR / 2 - 1 : BAR / 2 + 1);
  return (
    <g class="agentnb-arrow">
      <line x1={at} x2={at} y1={from} y2={to} />
      <svg x={at} y={to} overflow="visible"><path d={down ? 'M-3-5h6L0 0z' : 'M-3 5h6L0 0z'} /></svg>
    </g>
  );
}

/** Arrow keys go from stretch to stretch; Enter and Space jump to the step. */
function move(event: KeyboardEvent): void {
  const here = event.target as SVGElement;
  const all = [...(here.ownerSVGElement?.querySelectorAll<SVGElement>('[data-step]') ?? [])];
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key] ?? 0;
  const acts = event.key === 'Enter' || event.key === ' ';
  if (!by && !acts) return;
  event.preventDefault();
  if (acts) here.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  else all[all.indexOf(here) + by]?.focus();
}
