/** What several tests need: a seeded chance, frozen values, a step. */
import type { Step } from '../src/core/record';

/** Numbers from 0 to 1, the same ones for the same seed. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** The value, which from now on throws where somebody changes any part of it. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

export function step(id: string, part: Partial<Step> = {}): Step {
  return {
    id,
    task: 't1',
    agent: 'lead',
    number: 1,
    thought: '',
    code: null,
    status: 'done',
    outputs: [],
    changes: [],
    notes: [],
    usage: { input_tokens: 0, output_tokens: 0, cached_tokens: 0, calls: 0, estimated: false, cost: null },
    timing: { asked_at: 0, replied_at: null, code_started_at: null, code_ended_at: null },
    error: null,
    final: false,
    undone: false,
    ...part
  };
}
