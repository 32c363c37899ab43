/** How much of the run's limits is used up. */
import type { RunRecord } from './record';
import { clock, count, dollars, tokensOf } from './words';

export interface Share {
  name: string;
  used: string;
  of: string;
  /** From 0 to 1, past it where the limit was passed. */
  part: number;
}

const WARN_AT = 0.8;

export const isTight = (share: Share): boolean => share.part >= WARN_AT;

/** The limits that are set, each with its share; `elapsed` in seconds. */
export function shares(record: RunRecord, elapsed: number): Share[] {
  const { limits, usage } = record;
  const present = new Set(record.roster.filter(member => member.left_at === null && member.kind === 'specialist').map(member => member.name));
  const all: [string, number, number | null, (value: number) => string][] = [
    ['time', elapsed, limits.seconds, clock],
    ['tokens', tokensOf(usage), limits.tokens, count],
    ['money', usage.cost ?? 0, limits.money, dollars],
    ['steps', record.steps.length, limits.steps, String],
    ['agents', present.size, limits.agents, String]
  ];
  return all.flatMap(([name, used, limit, word]) =>
    limit === null ? [] : [{ name, used: (name === 'tokens' && usage.estimated ? '~' : '') + word(used), of: limitWord(name, word(limit)), part: limit > 0 ? used / limit : 1 }]
  );
}

/** A round limit without the places that are zero; what is no time or money says what it counts. */
function limitWord(name: string, word: string): string {
  const short = word.replace(/\.0(?=[kM])| 00 s$/, '');
  return name === 'time' || name === 'money' ? short : `${short} ${name}`;
}
