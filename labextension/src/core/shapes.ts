/** Generated from docs/record.schema.json by `node types.mjs`; do not edit. */

/** s string, i integer, n number, b boolean, o object; ? may be null, * is a list, @ names a shape, a|b are the words allowed; = gives the default. */
export const SHAPES = {
  RunRecord: {
    version: 'i=1',
    run_id: 's',
    generator: 's',
    task: 's',
    team: 's',
    status: 'cancelled|crashed|done|failed|limit|paused|running=running',
    roster: '*@Member',
    tasks: '*@Task',
    steps: '*@Step',
    messages: '*@Message',
    requests: '*@Request',
    result: '?o',
    result_name: 's=agents_run',
    reason: '?s',
    error: '?@Error',
    budget: 's',
    limits: '@Limits',
    approve: 'ask|auto|plan=auto',
    usage: '@Usage',
    timing: '@Timing',
    replayed: 'b',
    resumes: 's',
    seq: 'i',
    cut: '*s'
  },
  Member: {
    name: 's',
    role: 's',
    kind: 'coordinator|specialist=specialist',
    model: 's',
    mode: 'branch|dask|live|scratch=scratch',
    tools: '*s',
    team: 's',
    joined_at: 'n',
    left_at: '?n'
  },
  Task: {
    id: 's',
    agent: 's',
    brief: 's',
    status: 'blocked|cancelled|completed|failed|in_progress|pending=pending',
    parent: '?s',
    parent_step: '?s',
    depends_on: '*s',
    started_at: '?n',
    ended_at: '?n',
    result: '?o',
    error: '?@Error',
    usage: '@Usage'
  },
  Error: {
    name: 's',
    message: 's',
    traceback: '*s'
  },
  Usage: {
    input_tokens: 'i',
    output_tokens: 'i',
    cached_tokens: 'i',
    calls: 'i',
    estimated: 'b',
    cost: '?n'
  },
  Step: {
    id: 's',
    task: 's',
    agent: 's',
    number: 'i',
    thought: 's',
    code: '?s',
    status: 'acting|cancelled|done|failed|rejected|thinking|waiting=thinking',
    outputs: '*o',
    changes: '*@Change',
    notes: '*s',
    usage: '@Usage',
    timing: '@StepTiming',
    error: '?@Error',
    final: 'b',
    undone: 'b'
  },
  Change: {
    name: 's',
    kind: 'added|deleted|mutated|rebound',
    before: '?s',
    after: '?s',
    scope: 's=user',
    detail: '*s'
  },
  StepTiming: {
    asked_at: 'n',
    replied_at: '?n',
    code_started_at: '?n',
    code_ended_at: '?n'
  },
  Message: {
    at: 'n',
    sender: 's',
    to: 's',
    text: 's'
  },
  Request: {
    id: 's',
    kind: 'action|merge|plan|question',
    agent: 's',
    task: '?s',
    step: '?s',
    text: 's',
    code: '?s',
    touches: '*s',
    plan: '*@PlanItem',
    changes: '*@Change',
    asked_at: 'n',
    expires_at: '?n',
    status: 'allowed|answered|denied|expired|open|withdrawn=open',
    answer: 's',
    edited: 'b',
    for_run: 'b',
    by: 's',
    answered_at: '?n'
  },
  PlanItem: {
    agent: 's',
    brief: 's',
    tokens: '?i',
    cost: '?n'
  },
  Limits: {
    tokens: '?i',
    money: '?n',
    seconds: '?n',
    steps: '?i',
    agents: '?i'
  },
  Timing: {
    created: 's',
    elapsed: 'n'
  }
} as const;
