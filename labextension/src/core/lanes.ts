/**
 * The time line as numbers: who was at what when (agentnb/views/lanes.py). Times are seconds since the run's start.
 *
 * The size is bounded whatever the record holds.
 */
import type { RunRecord, Step, Task } from './record';

const MAX_LANES = 24;
const MAX_BARS = 300;
const MAX_ARROWS = 100;

/** One for each agent, in the order of the roster; mid-tones that read on light and on dark. */
const COLOURS = ['#4c78c8', '#d9822b', '#3a9a6a', '#b5509c', '#8a7bd1', '#c2514b', '#2b9aa8', '#9a8a3a'];

/** A stretch of time: the model was asked, code ran, or code waited for the specialists it had called. */
export interface Bar {
  start: number;
  end: number;
  kind: 'model' | 'code' | 'wait';
  step: string;
}

/** One agent's row; an agent that was called twice at once has two. */
export interface Lane {
  agent: string;
  number: number;
  bars: Bar[];
  ends: { at: number; status: Task['status'] }[];
  busyUntil: number;
}

/** A delegation at time `at` from one lane to another (indices). */
export interface Arrow {
  at: number;
  source: number;
  target: number;
}

/** `leftOut` counts the tasks that found no lane. */
export interface Chart {
  lanes: Lane[];
  arrows: Arrow[];
  end: number;
  leftOut: number;
}

interface Span {
  start: number;
  end: number;
}

export function colours(record: RunRecord): Map<string, string> {
  return new Map(agentsOf(record).map((name, index) => [name, COLOURS[index % COLOURS.length]!]));
}

/** `now` is the time that open stretches reach to. */
export function chart(record: RunRecord, now = record.timing.elapsed): Chart {
  const steps = groups(record.steps, step => step.task);
  const spans = new Map(record.tasks.map(task => [task.id, spanOf(task, steps.get(task.id) ?? [], now)]));
  const end = Math.max(sound(now), 1e-3, ...[...spans.values()].slice(-5000).map(span => span.end));
  const lanes: Lane[] = [];
  const home = allot(record, spans, lanes);
  const waits = groups(record.tasks, task => task.parent_step ?? '');
  for (const task of record.tasks) {
    const lane = lanes[home.get(task.id) ?? -1];
    for (const step of lane ? (steps.get(task.id) ?? []) : []) {
      const asked = (waits.get(step.id) ?? []).map(each => spans.get(each.id)!);
      lane!.bars.push(...barsOf(step, spans.get(task.id)!.end, asked));
    }
  }
  for (const lane of lanes) lane.bars = thin(lane.bars, end);
  const placed = [...home.values()];
  return { lanes, arrows: arrows(record, spans, home), end, leftOut: record.tasks.length - placed.length };
}

/** Round times from 0 to `end`, at most about `most` of them. */
export function ticks(end: number, most = 8): number[] {
  const rough = end / most;
  const unit = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 2.5, 5, 10].map(factor => unit * factor).find(size => size >= rough) ?? unit * 10;
  if (step > 20) step = [30, 60, 120, 300, 600, 1800, 3600, 7200].find(size => size >= rough) ?? step;
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, index) => index * step);
}

function agentsOf(record: RunRecord): string[] {
  return [...new Set([...record.roster.map(member => member.name), ...record.tasks.map(task => task.agent)])];
}

export function groups<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const group = found.get(key(item));
    if (group) group.push(item);
    else found.set(key(item), [item]);
  }
  return found;
}

function sound(value: number | null | undefined): number {
  return Math.min(Math.max(value ?? 0, 0), 1e9);
}

function spanOf(task: Task, steps: Step[], now: number): Span {
  const start = sound(task.started_at ?? steps[0]?.timing.asked_at);
  if (task.ended_at !== null) return { start, end: Math.max(start, sound(task.ended_at)) };
  let end = task.status === 'in_progress' ? Math.max(start, sound(now)) : start;
  for (const { timing } of steps) end = Math.max(end, sound(timing.replied_at), sound(timing.code_ended_at));
  return { start, end };
}

/** Gives each task the first lane of its agent that is free at its start. */
function allot(record: RunRecord, spans: Map<string, Span>, lanes: Lane[]): Map<string, number> {
  const home = new Map<string, number>();
  const mine = new Map<string, number[]>();
  const rank = new Map(agentsOf(record).map((name, index) => [name, index]));
  const order = [...record.tasks].sort(
    (one, other) => rank.get(one.agent)! - rank.get(other.agent)! || spans.get(one.id)!.start - spans.get(other.id)!.start
  );
  for (const task of order) {
    const { start, end } = spans.get(task.id)!;
    const own = mine.get(task.agent) ?? [];
    mine.set(task.agent, own);
    let index = own.find(each => lanes[each]!.busyUntil <= start + 1e-9);
    if (index === undefined) {
      if (lanes.length >= MAX_LANES) continue;
      index = lanes.push({ agent: task.agent, number: own.length + 1, bars: [], ends: [], busyUntil: 0 }) - 1;
      own.push(index);
    }
    const lane = lanes[index]!;
    lane.busyUntil = end;
    lane.ends.push({ at: end, status: task.status });
    home.set(task.id, index);
  }
  return home;
}

function arrows(record: RunRecord, spans: Map<string, Span>, home: Map<string, number>): Arrow[] {
  const owner = new Map(record.steps.map(step => [step.id, step.task]));
  const found: Arrow[] = [];
  for (const task of record.tasks) {
    const source = home.get(owner.get(task.parent_step ?? '') ?? '');
    const target = home.get(task.id);
    if (source === undefined || target === undefined || source === target) continue;
    if (found.push({ at: spans.get(task.id)!.start, source, target }) >= MAX_ARROWS) break;
  }
  return found;
}

function barsOf(step: Step, stop: number, waits: Span[]): Bar[] {
  const { timing } = step;
  const asked = sound(timing.asked_at);
  const replied = timing.replied_at === null ? stop : sound(timing.replied_at);
  const bars: Bar[] = replied > asked ? [{ start: asked, end: replied, kind: 'model', step: step.id }] : [];
  if (timing.code_started_at === null) return bars;
  const end = timing.code_ended_at === null ? stop : sound(timing.code_ended_at);
  return [...bars, ...split(sound(timing.code_started_at), end, waits, step.id)];
}

/** Cuts the time of an action into its own code and the waiting for the tasks it gave out. */
function split(start: number, end: number, waits: Span[], step: string): Bar[] {
  const bars: Bar[] = [];
  let at = start;
  for (const wait of [...waits].sort((one, other) => one.start - other.start)) {
    const first = Math.max(wait.start, at);
    const last = Math.min(wait.end, end);
    if (last <= first) continue;
    if (first > at) bars.push({ start: at, end: first, kind: 'code', step });
    bars.push({ start: first, end: last, kind: 'wait', step });
    at = last;
  }
  if (end > at) bars.push({ start: at, end, kind: 'code', step });
  return bars;
}

/** Where there are more bars than anyone can see, cuts time into cells and keeps the longest of each. */
function thin(bars: Bar[], end: number): Bar[] {
  if (bars.length <= MAX_BARS) return bars;
  const width = end / MAX_BARS;
  const cells: { bar: Bar; share: number }[] = [];
  for (const bar of bars) {
    const last = Math.min(Math.floor(bar.end / width), MAX_BARS - 1);
    for (let index = Math.floor(bar.start / width); index <= last; index++) {
      const share = Math.min(bar.end, (index + 1) * width) - Math.max(bar.start, index * width);
      if (share > (cells[index]?.share ?? -1)) cells[index] = { bar, share };
    }
  }
  return Object.entries(cells).map(([index, { bar }]) => ({ ...bar, start: +index * width, end: (+index + 1) * width }));
}
