import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { isOpenStep } from '../core/fold';
import { clock, duration, stateWord } from '../core/words';

const PATHS: Record<string, string> = {
  good: 'M3.5 8.5l3 3 6-7',
  bad: 'M4.5 4.5l7 7m0-7l-7 7',
  limit: 'M8 3.5v5m0 3v.5',
  stopped: 'M5 5h6v6H5z',
  paused: 'M6 4.5v7m4-7v7',
  waiting: 'M8 4.5V8l2.5 2',
  pending: 'M5.5 8h5'
};

const ICONS: Record<string, string> = {
  completed: 'good',
  done: 'good',
  failed: 'bad',
  crashed: 'bad',
  rejected: 'bad',
  denied: 'bad',
  limit: 'limit',
  blocked: 'limit',
  lost: 'limit',
  cancelled: 'stopped',
  paused: 'paused',
  waiting: 'waiting',
  open: 'waiting'
};

/** The mark of a state: its shape differs as well as its colour. */
export function Mark({ status, still = false }: { status: string; still?: boolean }): JSX.Element {
  const isBusy = status === 'running' || status === 'in_progress' || (isOpenStep(status) && status !== 'waiting');
  if (isBusy && !still) return <span class={`agentnb-mark agentnb-busy agentnb-is-${status}`} aria-hidden="true" />;
  return (
    <svg class={`agentnb-mark agentnb-is-${status}`} viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="7" />
      <path d={PATHS[ICONS[status] ?? 'pending']} />
    </svg>
  );
}

export function State({ status, word = stateWord(status) }: { status: string; word?: string }): JSX.Element {
  return <span class={`agentnb-state agentnb-is-${status}`}>{word}</span>;
}

interface ButtonProps {
  children: ComponentChildren;
  onClick(): void;
  title?: string;
  kind?: 'main' | 'danger' | 'quiet' | 'chip';
  pressed?: boolean;
  expanded?: boolean;
  disabled?: boolean;
}

export function Button({ children, onClick, title, kind, pressed, expanded, disabled }: ButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class={`agentnb-button${kind ? ` agentnb-${kind}` : ''}`}
      title={title}
      disabled={disabled}
      aria-pressed={pressed}
      aria-expanded={expanded}
      onClick={event => {
        event.stopPropagation();
        onClick();
      }}
    >
      {children}
    </button>
  );
}

/** A button that asks once more before it does what cannot be taken back. */
export function Sure({ children, ask, onClick, title }: { children: string; ask: string; onClick(): void; title?: string }): JSX.Element {
  const [armed, arm] = useState(false);
  useEffect(() => {
    if (!armed) return;
    const timer = setTimeout(() => arm(false), 4000);
    return () => clearTimeout(timer);
  }, [armed]);
  const act = (): void => {
    arm(!armed);
    if (armed) onClick();
  };
  return (
    <Button kind={armed ? 'danger' : 'quiet'} onClick={act} {...(title ? { title } : {})}>
      {armed ? ask : children}
    </Button>
  );
}

/** A section with a heading that stays small. */
export function Section(props: { name: string; label: string; side?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <section class={`agentnb-section agentnb-${props.name}`} aria-label={props.label}>
      <div class="agentnb-bar">
        <h3>{props.label}</h3>
        {props.side}
      </div>
      {props.children}
    </section>
  );
}

/** A field with its label; `wide` takes a line of its own. */
export function Field({ label, wide, children }: { label: string; wide?: boolean; children: ComponentChildren }): JSX.Element {
  return (
    <label class={`agentnb-field${wide ? ' agentnb-wide' : ''}`}>
      <span>{label}</span>
      {children}
    </label>
  );
}

/** Calls the view again every second while `on`. */
export function useTick(on: boolean): void {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => tick(number => number + 1), 1000);
    return () => clearInterval(timer);
  }, [on]);
}

interface TookProps {
  from: number;
  to: number | null;
  ticking: boolean;
  now(): number;
}

/** How long something took, or takes so far. */
export function Took({ from, to, ticking, now }: TookProps): JSX.Element | null {
  useTick(ticking);
  if (!ticking && to === null) return null;
  return <span class="agentnb-facts">{ticking ? clock(now() - from) : duration((to ?? from) - from)}</span>;
}

export function agentStyle(colour: string | undefined): JSX.CSSProperties {
  return { '--agentnb-agent': colour ?? 'currentColor' } as JSX.CSSProperties;
}
