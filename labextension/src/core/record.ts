/** Generated from docs/record.schema.json by `node types.mjs`; do not edit. */

export type AnyEvent =
  | RunStarted
  | BudgetChanged
  | AgentJoined
  | AgentChanged
  | AgentLeft
  | TaskAdded
  | TaskChanged
  | StepStarted
  | ReplyDelta
  | ReplyEnded
  | ActionStarted
  | OutputAdded
  | OutputsCleared
  | StepEnded
  | Noted
  | Said
  | Asked
  | Answered
  | Undone
  | RunStatusChanged
  | RunEnded;

/**
 * All that a run leaves behind. ``seq`` is the number of the event that comes next.
 *
 * ``resumes`` is the id of the crashed run that this one goes on from: what it had reached is part of this record.
 */
export interface RunRecord {
  version: number;
  run_id: string;
  generator: string;
  task: string;
  team: string;
  status: 'cancelled' | 'crashed' | 'done' | 'failed' | 'limit' | 'paused' | 'running';
  roster: Member[];
  tasks: Task[];
  steps: Step[];
  messages: Message[];
  requests: Request[];
  result: {
    [k: string]: unknown;
  } | null;
  result_name: string;
  reason: string | null;
  error: Error | null;
  budget: string;
  limits: Limits;
  approve: 'ask' | 'auto' | 'plan';
  usage: Usage;
  timing: Timing;
  replayed: boolean;
  resumes: string;
  seq: number;
  cut: string[];
}
/**
 * One line of the roster.
 */
export interface Member {
  name: string;
  role: string;
  kind: 'coordinator' | 'specialist';
  model: string;
  mode: 'branch' | 'dask' | 'live' | 'scratch';
  tools: string[];
  team: string;
  joined_at: number;
  left_at: number | null;
}
/**
 * A unit of work given to one agent. ``parent_step`` is the step whose code asked for it; None for the first.
 */
export interface Task {
  id: string;
  agent: string;
  brief: string;
  status: 'blocked' | 'cancelled' | 'completed' | 'failed' | 'in_progress' | 'pending';
  parent: string | null;
  parent_step: string | null;
  depends_on: string[];
  started_at: number | null;
  ended_at: number | null;
  result: {
    [k: string]: unknown;
  } | null;
  error: Error | null;
  usage: Usage;
}
/**
 * An error as it is shown: the exception's class, its message, the traceback's lines (may hold ANSI colours).
 */
export interface Error {
  name: string;
  message: string;
  traceback: string[];
}
/**
 * Tokens as the provider counted them (estimated at 4 characters a token where it did not), calls, and money.
 */
export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  calls: number;
  estimated: boolean;
  cost: number | null;
}
/**
 * One model reply and what came of it. The reply itself is ``thought`` and, where there was some, ``code``.
 */
export interface Step {
  id: string;
  task: string;
  agent: string;
  number: number;
  thought: string;
  code: string | null;
  status: 'acting' | 'cancelled' | 'done' | 'failed' | 'rejected' | 'thinking' | 'waiting';
  outputs: {
    [k: string]: unknown;
  }[];
  changes: Change[];
  notes: string[];
  usage: Usage;
  timing: StepTiming;
  error: Error | null;
  final: boolean;
  undone: boolean;
}
/**
 * What an action did to one variable. ``before`` and ``after`` are one-line summaries, None where there is none.
 *
 * ``scope`` tells whose variable it is: ``user`` is the notebook's namespace, anything else the agent's own.
 * ``detail`` says more, a line each: which columns of a table changed, how many of its cells.
 */
export interface Change {
  name: string;
  kind: 'added' | 'deleted' | 'mutated' | 'rebound';
  before: string | null;
  after: string | null;
  scope: string;
  detail: string[];
}
/**
 * When the model was asked and answered, when the code started and ended.
 */
export interface StepTiming {
  asked_at: number;
  replied_at: number | null;
  code_started_at: number | null;
  code_ended_at: number | null;
}
/**
 * Something said during the run: by the person to an agent, by an agent to the person, or by the host.
 */
export interface Message {
  at: number;
  sender: string;
  to: string;
  text: string;
}
/**
 * Something that waits for the person: a question, an action or a plan to be allowed, a branch to be merged.
 *
 * ``text`` is the question, or a sentence that says what is asked for. ``code`` is an action's code as the agent wrote
 * it and ``touches`` the names it is known to change; ``plan`` is the coordinator's, ``changes`` those of a branch.
 * Nobody's answer until ``expires_at`` (seconds since the run's start) counts as a denial. ``answer`` is what the
 * person wrote: an answer, or the reason of a denial. ``edited`` tells that the code or plan was allowed with changes,
 * ``for_run`` that the like is allowed for the rest of the run.
 */
export interface Request {
  id: string;
  kind: 'action' | 'merge' | 'plan' | 'question';
  agent: string;
  task: string | null;
  step: string | null;
  text: string;
  code: string | null;
  touches: string[];
  plan: PlanItem[];
  changes: Change[];
  asked_at: number;
  expires_at: number | null;
  status: 'allowed' | 'answered' | 'denied' | 'expired' | 'open' | 'withdrawn';
  answer: string;
  edited: boolean;
  for_run: boolean;
  by: string;
  answered_at: number | null;
}
/**
 * One line of a coordinator's plan: who is to do what, and what it may cost (None where that is not known).
 */
export interface PlanItem {
  agent: string;
  brief: string;
  tokens: number | null;
  cost: number | null;
}
/**
 * The run's budget as numbers; None is no limit. ``seconds`` is wall-clock time, ``money`` US dollars.
 */
export interface Limits {
  tokens: number | null;
  money: number | null;
  seconds: number | null;
  steps: number | null;
  agents: number | null;
}
/**
 * ``created`` is ISO 8601 in UTC; ``elapsed`` is in seconds.
 */
export interface Timing {
  created: string;
  elapsed: number;
}
/**
 * The first event of every run.
 *
 * ``resumes`` is the id of the crashed run that this one goes on from. ``notebook`` is the file name of the notebook
 * whose kernel this is, where that is known; for finding the journals of a notebook, it is not in the record.
 */
export interface RunStarted {
  type: 'run_started';
  run_id: string;
  task: string;
  created: string;
  generator: string;
  team?: string;
  budget?: string;
  limits?: Limits;
  approve?: 'ask' | 'auto' | 'plan';
  result_name?: string;
  replayed?: boolean;
  resumes?: string;
  notebook?: string;
  seq?: number;
  at?: number;
}
/**
 * The person raised, lowered or lifted the run's limits.
 */
export interface BudgetChanged {
  type: 'budget_changed';
  budget: string;
  limits: Limits;
  by?: string;
  seq?: number;
  at?: number;
}
/**
 * An agent is on the team: from the start, or hired in mid-run.
 */
export interface AgentJoined {
  type: 'agent_joined';
  member: Member;
  by?: string;
  seq?: number;
  at?: number;
}
/**
 * Only the fields that are not None changed.
 */
export interface AgentChanged {
  type: 'agent_changed';
  name: string;
  team?: string;
  role?: string | null;
  model?: string | null;
  mode?: ('branch' | 'dask' | 'live' | 'scratch') | null;
  tools?: string[] | null;
  by?: string;
  seq?: number;
  at?: number;
}
/**
 * An agent was dismissed.
 */
export interface AgentLeft {
  type: 'agent_left';
  name: string;
  team?: string;
  by?: string;
  seq?: number;
  at?: number;
}
/**
 * A task entered the ledger.
 */
export interface TaskAdded {
  type: 'task_added';
  task: string;
  agent: string;
  brief: string;
  parent?: string | null;
  parent_step?: string | null;
  depends_on?: string[];
  seq?: number;
  at?: number;
}
/**
 * A task went to another state.
 */
export interface TaskChanged {
  type: 'task_changed';
  task: string;
  status: 'blocked' | 'cancelled' | 'completed' | 'failed' | 'in_progress' | 'pending';
  result?: {
    [k: string]: unknown;
  } | null;
  error?: Error | null;
  seq?: number;
  at?: number;
}
/**
 * The model is being asked.
 */
export interface StepStarted {
  type: 'step_started';
  step: string;
  task: string;
  agent: string;
  number: number;
  seq?: number;
  at?: number;
}
/**
 * A piece of the reply as it streams; for the eye only, ``ReplyEnded`` has the whole.
 */
export interface ReplyDelta {
  type: 'reply_delta';
  step: string;
  text: string;
  seq?: number;
  at?: number;
}
/**
 * The model has answered; ``code`` is None where the reply held none that could be run.
 */
export interface ReplyEnded {
  type: 'reply_ended';
  step: string;
  thought: string;
  code?: string | null;
  usage?: Usage;
  seq?: number;
  at?: number;
}
/**
 * The step's code starts to run.
 */
export interface ActionStarted {
  type: 'action_started';
  step: string;
  seq?: number;
  at?: number;
}
/**
 * The code printed or displayed something: one output in nbformat's form.
 *
 * ``index`` None appends; a number puts it in that place (``update_display``). A stream output that follows one of
 * the same name is joined to it.
 */
export interface OutputAdded {
  type: 'output_added';
  step: string;
  output: {
    [k: string]: unknown;
  };
  index?: number | null;
  seq?: number;
  at?: number;
}
/**
 * ``clear_output`` in an action.
 */
export interface OutputsCleared {
  type: 'outputs_cleared';
  step: string;
  seq?: number;
  at?: number;
}
/**
 * The step is over. ``acted`` is False where no code ran.
 */
export interface StepEnded {
  type: 'step_ended';
  step: string;
  status: 'acting' | 'cancelled' | 'done' | 'failed' | 'rejected' | 'thinking' | 'waiting';
  acted?: boolean;
  changes?: Change[];
  error?: Error | null;
  final?: boolean;
  seq?: number;
  at?: number;
}
/**
 * A remark of the host's on a step: a retry with its wait, a repair, a drift in a replay.
 */
export interface Noted {
  type: 'noted';
  step: string;
  text: string;
  seq?: number;
  at?: number;
}
/**
 * Something was said: by the person, an agent or the host (``sender``).
 */
export interface Said {
  type: 'said';
  sender: string;
  to: string;
  text: string;
  seq?: number;
  at?: number;
}
/**
 * Something waits for the person; a request of an id that is known takes the place of the former one.
 */
export interface Asked {
  type: 'asked';
  request: Request;
  seq?: number;
  at?: number;
}
/**
 * An open request came to its end. ``code`` and ``plan`` are what was allowed where the person edited it.
 */
export interface Answered {
  type: 'answered';
  request: string;
  status: 'allowed' | 'answered' | 'denied' | 'expired' | 'open' | 'withdrawn';
  text?: string;
  code?: string | null;
  plan?: PlanItem[] | null;
  for_run?: boolean;
  by?: string;
  seq?: number;
  at?: number;
}
/**
 * What these steps did to the user's variables was taken back; may come after the run's end.
 */
export interface Undone {
  type: 'undone';
  steps: string[];
  by?: string;
  seq?: number;
  at?: number;
}
/**
 * Paused or running again; the end is ``RunEnded``.
 */
export interface RunStatusChanged {
  type: 'run_status_changed';
  status: 'paused' | 'running';
  by?: string;
  seq?: number;
  at?: number;
}
/**
 * The last event of every run.
 */
export interface RunEnded {
  type: 'run_ended';
  status: 'cancelled' | 'crashed' | 'done' | 'failed' | 'limit' | 'paused' | 'running';
  reason?: string | null;
  result?: {
    [k: string]: unknown;
  } | null;
  error?: Error | null;
  seq?: number;
  at?: number;
}

export const VERSION = 1;
export type RunStatus = RunRecord['status'];
export type TaskStatus = Task['status'];
export type StepStatus = Step['status'];
export type RequestStatus = Request['status'];
