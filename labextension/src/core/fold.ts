/**
 * The record as the fold of its events: the same rules as agentnb/record/fold.py, held to them by shared fixtures.
 *
 * A record that was handed out never changes: within a batch each part that an event touches is copied once.
 */
import { readPart } from './normal';
import type { AnyEvent, Member, Request, RunRecord, Step, Task, Usage } from './record';

type Of<T extends AnyEvent['type']> = Extract<AnyEvent, { type: T }>;
type Json = Record<string, unknown>;

const FINAL: ReadonlySet<string> = new Set(['done', 'failed', 'limit', 'cancelled', 'crashed']);
const OPEN_TASKS: ReadonlySet<string> = new Set(['pending', 'in_progress', 'blocked']);
const OPEN_STEPS: ReadonlySet<string> = new Set(['thinking', 'waiting', 'acting']);

export const isFinal = (status: string): boolean => FINAL.has(status);
export const isOpenTask = (status: string): boolean => OPEN_TASKS.has(status);
export const isOpenStep = (status: string): boolean => OPEN_STEPS.has(status);

export class Folder {
  #record: RunRecord;
  #steps = new Map<string, number>();
  #tasks = new Map<string, number>();
  #requests = new Map<string, number>();
  #members = new Map<string, number>();
  /** Made since the last batch ended, hence free to change. */
  #fresh = new WeakSet<object>();

  constructor(record: RunRecord) {
    this.#record = record;
    record.steps.forEach((step, index) => this.#steps.set(step.id, index));
    record.tasks.forEach((task, index) => this.#tasks.set(task.id, index));
    record.requests.forEach((request, index) => this.#requests.set(request.id, index));
    record.roster.forEach((member, index) => this.#members.set(keyOf(member), index));
  }

  get record(): RunRecord {
    return this.#record;
  }

  /** Brings the record up to date with one event of the batch. */
  apply(event: AnyEvent): void {
    const record = (this.#record = this.#own(this.#record));
    const at = event.at ?? 0;
    record.seq = Math.max(record.seq, (event.seq ?? 0) + 1);
    if (isFinal(record.status)) {
      if (event.type === 'undone') this.#undone(event);
      return;
    }
    if (at > record.timing.elapsed) record.timing = { ...record.timing, elapsed: at };
    this.#dispatch(record, event, at);
  }

  /** Ends the batch: the record that `record` gives now stays as it is. */
  seal(): void {
    this.#fresh = new WeakSet();
  }

  #dispatch(record: RunRecord, event: AnyEvent, at: number): void {
    switch (event.type) {
      case 'run_started':
        return runStarted(record, event);
      case 'budget_changed':
        record.budget = event.budget;
        record.limits = event.limits;
        return;
      case 'run_status_changed':
        record.status = event.status;
        return;
      case 'run_ended':
        return this.#runEnded(event, at);
      case 'undone':
        return this.#undone(event);
      case 'said':
        this.#list('messages').push({ at, sender: event.sender, to: event.to, text: event.text });
        return;
      case 'asked':
        return this.#asked(event, at);
      case 'answered':
        return this.#answered(event, at);
      case 'agent_joined':
        return this.#agentJoined(event, at);
      case 'agent_changed':
        return this.#agentChanged(event);
      case 'agent_left':
        return this.#agentLeft(event, at);
      case 'task_added':
        return this.#taskAdded(event);
      case 'task_changed':
        return this.#taskChanged(event, at);
      case 'step_started':
        return this.#stepStarted(event, at);
      default:
        this.#inStep(event, at);
    }
  }

  /** The events that only concern a step that is there. */
  #inStep(event: AnyEvent, at: number): void {
    const step = 'step' in event ? this.#step(event.step) : undefined;
    if (!step) return;
    switch (event.type) {
      case 'reply_delta':
        if (step.status === 'thinking' && step.timing.replied_at === null) step.thought += event.text;
        return;
      case 'reply_ended':
        return this.#replyEnded(step, event, at);
      case 'action_started':
        if (!isOpenStep(step.status)) return;
        step.status = 'acting';
        step.timing = { ...step.timing, code_started_at: at };
        return;
      case 'output_added':
        step.outputs = this.#own(step.outputs);
        return outputAdded(step.outputs, event);
      case 'outputs_cleared':
        step.outputs = [];
        return;
      case 'noted':
        step.notes = this.#own(step.notes);
        step.notes.push(event.text);
        return;
      case 'step_ended':
        return stepEnded(step, event, at);
    }
  }

  #runEnded(event: Of<'run_ended'>, at: number): void {
    const record = this.#record;
    record.reason = event.reason ?? null;
    record.result = event.result ?? null;
    record.error = event.error ?? null;
    record.status = isFinal(event.status) ? event.status : 'crashed';
    const failed = record.status === 'failed' || record.status === 'crashed';
    this.#each('tasks', task => isOpenTask(task.status), task => {
      task.status = task.parent === null && failed ? 'failed' : 'cancelled';
      task.ended_at = at;
    });
    this.#each('steps', step => isOpenStep(step.status), step => {
      step.status = 'cancelled';
      if (step.timing.code_started_at !== null) step.timing = { ...step.timing, code_ended_at: at };
    });
    this.#each('requests', request => request.status === 'open', request => {
      request.status = 'withdrawn';
      request.answered_at = at;
    });
  }

  #undone(event: Of<'undone'>): void {
    for (const id of event.steps) {
      const step = this.#step(id);
      if (step) step.undone = true;
    }
  }

  #asked(event: Of<'asked'>, at: number): void {
    const request: Request = { ...readPart<Request>('Request', event.request), asked_at: at };
    this.#fresh.add(request);
    this.#put('requests', this.#requests, request.id, request);
    const step = this.#peek(request.step);
    if (request.kind === 'action' && step?.status === 'thinking') this.#step(step.id)!.status = 'waiting';
  }

  #answered(event: Of<'answered'>, at: number): void {
    const index = this.#requests.get(event.request);
    if (index === undefined || this.#record.requests[index]?.status !== 'open') return;
    const request = this.#at('requests', index);
    request.status = event.status;
    request.answer = event.text ?? '';
    request.answered_at = at;
    request.for_run = event.for_run ?? false;
    request.by = event.by ?? '';
    const code = event.code ?? null;
    const plan = event.plan ?? null;
    request.edited = code !== null || plan !== null;
    if (plan !== null) request.plan = plan;
    if (request.kind !== 'action' || this.#peek(request.step)?.status !== 'waiting') return;
    const step = this.#step(request.step!)!;
    step.status = 'thinking';
    step.code = code ?? step.code;
  }

  #agentJoined(event: Of<'agent_joined'>, at: number): void {
    const member: Member = { ...readPart<Member>('Member', event.member), joined_at: at };
    const index = this.#members.get(keyOf(member));
    const present = index === undefined ? undefined : this.#record.roster[index];
    const roster = this.#list('roster');
    if (index !== undefined && present?.left_at === null) {
      member.joined_at = present.joined_at;
      roster[index] = member;
    } else {
      this.#members.set(keyOf(member), roster.push(member) - 1);
    }
  }

  #agentChanged(event: Of<'agent_changed'>): void {
    const index = this.#members.get(keyOf({ name: event.name, team: event.team ?? '' }));
    if (index === undefined) return;
    const member = this.#at('roster', index);
    member.role = event.role ?? member.role;
    member.model = event.model ?? member.model;
    member.mode = event.mode ?? member.mode;
    member.tools = event.tools ?? member.tools;
  }

  #agentLeft(event: Of<'agent_left'>, at: number): void {
    const index = this.#members.get(keyOf({ name: event.name, team: event.team ?? '' }));
    if (index !== undefined && this.#record.roster[index]?.left_at === null) this.#at('roster', index).left_at = at;
  }

  #taskAdded(event: Of<'task_added'>): void {
    if (this.#tasks.has(event.task)) return;
    this.#put('tasks', this.#tasks, event.task, {
      ...newTask(event.task, event.agent, event.brief),
      parent: event.parent ?? null,
      parent_step: event.parent_step ?? null,
      depends_on: event.depends_on ?? []
    });
  }

  #taskChanged(event: Of<'task_changed'>, at: number): void {
    const task = this.#task(event.task);
    if (!task) return;
    task.status = event.status;
    if (event.status === 'in_progress' && task.started_at === null) task.started_at = at;
    task.ended_at = isOpenTask(event.status) ? null : at;
    task.result = event.result ?? task.result;
    task.error = event.error ?? task.error;
  }

  #stepStarted(event: Of<'step_started'>, at: number): void {
    const known = this.#peek(event.step);
    if (known) {
      // asked again: what had streamed so far is void
      if (known.status === 'thinking') this.#step(event.step)!.thought = '';
      return;
    }
    const { task, agent, number } = event;
    const fields = { id: event.step, task, agent, number, status: 'thinking', timing: { asked_at: at } };
    this.#put('steps', this.#steps, event.step, readPart('Step', fields));
  }

  #replyEnded(step: Step, event: Of<'reply_ended'>, at: number): void {
    const usage = readPart<Usage>('Usage', event.usage);
    step.thought = event.thought;
    step.code = event.code ?? null;
    step.timing = { ...step.timing, replied_at: at };
    step.usage = sum(step.usage, usage);
    this.#record.usage = sum(this.#record.usage, usage);
    const task = this.#task(step.task);
    if (task) task.usage = sum(task.usage, usage);
  }

  #peek(id: string | null): Step | undefined {
    const index = this.#steps.get(id ?? '');
    return index === undefined ? undefined : this.#record.steps[index];
  }

  #step(id: string): Step | undefined {
    const index = this.#steps.get(id);
    return index === undefined ? undefined : this.#at('steps', index);
  }

  #task(id: string): Task | undefined {
    const index = this.#tasks.get(id);
    return index === undefined ? undefined : this.#at('tasks', index);
  }

  #own<T extends object>(value: T): T {
    if (this.#fresh.has(value)) return value;
    const copy = (Array.isArray(value) ? [...value] : { ...value }) as T;
    this.#fresh.add(copy);
    return copy;
  }

  #list<K extends Lists>(name: K): RunRecord[K] {
    return (this.#record[name] = this.#own(this.#record[name]));
  }

  #at<K extends Lists>(name: K, index: number): RunRecord[K][number] {
    const list = this.#list(name) as RunRecord[K][number][];
    return (list[index] = this.#own(list[index]!));
  }

  #put<K extends Lists>(name: K, places: Map<string, number>, id: string, entry: RunRecord[K][number]): void {
    const list = this.#list(name) as RunRecord[K][number][];
    const index = places.get(id) ?? list.length;
    list[index] = entry;
    places.set(id, index);
  }

  #each<K extends Lists>(
    name: K,
    concerns: (entry: RunRecord[K][number]) => boolean,
    change: (entry: RunRecord[K][number]) => void
  ): void {
    (this.#record[name] as RunRecord[K][number][]).forEach((entry, index) => {
      if (concerns(entry)) change(this.#at(name, index));
    });
  }
}

export function newTask(id: string, agent: string, brief: string): Task {
  return readPart('Task', { id, agent, brief, status: 'pending' });
}

type Lists = 'steps' | 'tasks' | 'requests' | 'roster' | 'messages';

/** The record that the events amount to. */
export function fold(record: RunRecord, events: Iterable<AnyEvent>): RunRecord {
  const folder = new Folder(record);
  for (const event of events) folder.apply(event);
  return folder.record;
}

function runStarted(record: RunRecord, event: Of<'run_started'>): void {
  record.run_id = event.run_id;
  record.task = event.task;
  record.generator = event.generator;
  record.team = event.team ?? '';
  record.result_name = event.result_name ?? 'agents_run';
  record.budget = event.budget ?? '';
  record.limits = readPart('Limits', event.limits);
  record.approve = event.approve ?? 'auto';
  record.replayed = event.replayed ?? false;
  record.resumes = event.resumes ?? '';
  record.timing = { ...record.timing, created: event.created };
}

function outputAdded(outputs: Json[], event: Of<'output_added'>): void {
  const index = event.index ?? null;
  const last = outputs.at(-1);
  if (index !== null && index >= 0 && index < outputs.length) {
    outputs[index] = event.output;
  } else if (last && joins(last, event.output)) {
    outputs[outputs.length - 1] = { ...last, text: streamText(last) + streamText(event.output) };
  } else {
    outputs.push(event.output);
  }
}

function stepEnded(step: Step, event: Of<'step_ended'>, at: number): void {
  step.status = event.status;
  step.changes = event.changes ?? [];
  step.error = event.error ?? null;
  step.final = event.final ?? false;
  if (event.acted || step.timing.code_started_at !== null) step.timing = { ...step.timing, code_ended_at: at };
}

function keyOf(member: { team: string; name: string }): string {
  return JSON.stringify([member.team, member.name]);
}

function sum(one: Usage, other: Usage): Usage {
  return {
    input_tokens: one.input_tokens + other.input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    cached_tokens: one.cached_tokens + other.cached_tokens,
    calls: one.calls + other.calls,
    estimated: one.estimated || other.estimated,
    cost: other.cost === null ? one.cost : (one.cost ?? 0) + other.cost
  };
}

function joins(last: Json, output: Json): boolean {
  const isStream = last['output_type'] === 'stream' && output['output_type'] === 'stream';
  return isStream && (last['name'] ?? 'stdout') === (output['name'] ?? 'stdout');
}

/** The text of a stream output; nbformat allows a list of lines as well. */
function streamText(output: Json): string {
  const text = output['text'] ?? '';
  return Array.isArray(text) ? text.map(String).join('') : String(text);
}
