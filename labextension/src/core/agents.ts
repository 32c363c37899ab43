/** What each agent is at, and what it has used so far. */
import { isOpenStep, isOpenTask } from './fold';
import type { Member, RunRecord, Step, Usage } from './record';
import { tokensOf } from './words';

export type Activity = 'thinking' | 'acting' | 'waiting' | 'idle' | 'left';

/** `for` is who or what it waits for; `step` the newest step, to jump to. */
export interface AgentState {
  member: Member;
  activity: Activity;
  for: string;
  tokens: number;
  cost: number | null;
  calls: number;
  steps: number;
  step: string | null;
}

/** The agents of the roster, each once; a former stint under the same name gives way to the present one. */
export function agentStates(record: RunRecord): AgentState[] {
  const members = new Map(record.roster.map(member => [`${member.team}\n${member.name}`, member]));
  const known = new Map<string, AgentState>();
  const states = [...members.values()].map(member => {
    const state: AgentState = { member, activity: member.left_at === null ? 'idle' : 'left', for: '', tokens: 0, cost: null, calls: 0, steps: 0, step: null };
    known.set(member.name, state);
    return state;
  });
  for (const task of record.tasks) addUsage(known.get(task.agent), task.usage);
  const busy = new Set(record.tasks.filter(task => isOpenTask(task.status)).map(task => task.id));
  for (const step of record.steps) {
    const state = known.get(step.agent);
    if (!state) continue;
    state.steps += 1;
    state.step = step.id;
    if (state.activity !== 'left' && busy.has(step.task) && isOpenStep(step.status)) act(state, step, record);
  }
  return states;
}

function act(state: AgentState, step: Step, record: RunRecord): void {
  state.activity = step.status as Activity;
  state.for = step.status === 'waiting' ? 'you' : '';
  if (record.requests.some(request => request.status === 'open' && request.step === step.id)) {
    state.activity = 'waiting';
    state.for = 'you';
    return;
  }
  const asked = record.tasks.filter(task => task.parent_step === step.id && isOpenTask(task.status));
  if (step.status === 'acting' && asked.length) {
    state.activity = 'waiting';
    state.for = [...new Set(asked.map(task => task.agent))].join(', ');
  }
}

function addUsage(state: AgentState | undefined, usage: Usage): void {
  if (!state) return;
  state.tokens += tokensOf(usage);
  state.calls += usage.calls;
  if (usage.cost !== null) state.cost = (state.cost ?? 0) + usage.cost;
}
