/** How figures and states are worded, the same as in agentnb/views/words.py. */
import type { Change, Usage } from './record';

export const CHANGE_MARKS: Record<Change['kind'], string> = { added: '+', rebound: '~', mutated: '~', deleted: '−' };

export const STATE_WORDS: Record<string, string> = {
  in_progress: 'in progress',
  limit: 'limit reached',
  acting: 'running code',
  waiting: 'waiting'
};

export const stateWord = (status: string): string => STATE_WORDS[status] ?? status;

/** `340 ms`, `4.2 s`, `3 min 05 s`, `1 h 02 min`. */
export function duration(seconds: number): string {
  const time = Math.max(0, seconds);
  if (time < 0.9995) return `${Math.round(time * 1000)} ms`;
  if (time < 59.95) return `${time.toFixed(1)} s`;
  const minutes = Math.floor(Math.round(time) / 60);
  const rest = Math.round(time) % 60;
  if (minutes < 60) return `${minutes} min ${String(rest).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Whole seconds, for a clock that ticks. */
export function clock(seconds: number): string {
  return seconds < 59.95 ? `${Math.floor(Math.max(0, seconds))} s` : duration(seconds);
}

/** `950`, `12.4k`, `3.1M`. */
export function count(number: number): string {
  if (number < 1000) return String(number);
  return number < 999_950 ? `${(number / 1000).toFixed(1)}k` : `${(number / 1e6).toFixed(1)}M`;
}

export function plural(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

export const tokensOf = (usage: Usage): number => usage.input_tokens + usage.output_tokens;

/** Empty where there are none; `~` where they are estimated. */
export function tokens(usage: Usage): string {
  const number = tokensOf(usage);
  return number ? `${usage.estimated ? '~' : ''}${count(number)} tokens` : '';
}

export function dollars(cost: number): string {
  return `$${cost.toFixed(cost >= 0.1 || cost === 0 ? 2 : 4)}`;
}

/** Empty where the cost is not known. */
export function money(usage: Usage): string {
  return usage.cost === null ? '' : dollars(usage.cost);
}

/** One line of at most `width` characters, with an ellipsis where it was cut. */
export function oneLine(text: string, width: number): string {
  const line = text.slice(0, width * 4 + 200).split(/\s+/).filter(Boolean).join(' ');
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1)).trimEnd()}…`;
}

/** Without the commonest marks of Markdown, for a line that is not rendered. */
export function unmarked(text: string): string {
  return text.replace(/\*\*|__|`+|^#+ |(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)/gm, '');
}
