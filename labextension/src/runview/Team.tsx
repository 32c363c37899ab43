import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { agentStates, type AgentState } from '../core/agents';
import { isFinal } from '../core/fold';
import type { RunRecord } from '../core/record';
import { clock, count, dollars, plural } from '../core/words';
import { AgentForm } from './AgentForm';
import { useView } from './context';
import { agentStyle, Button, Mark, Section, Sure } from './parts';

/** Who is on the team and what each one is at. */
export function Team({ record, tints }: { record: RunRecord; tints: Map<string, string> }): JSX.Element | null {
  const { actions, live } = useView();
  const [form, setForm] = useState<string | null>(null);
  const states = agentStates(record);
  const alive = live && !isFinal(record.status);
  const canSteer = alive && Boolean(actions.command);
  const changed = states.find(state => state.member.name === form);
  if (!states.length) return null;
  const hire = canSteer && <Button kind="quiet" expanded={form === ''} onClick={() => setForm(form === '' ? null : '')}>Hire</Button>;
  return (
    <Section name="team" label="Team" side={hire}>
      <ul>
        {states.map(state => (
          <Agent key={`${state.member.team}/${state.member.name}`} state={state} alive={alive} tint={tints.get(state.member.name)} startedAt={record.tasks[0]?.started_at ?? Infinity} onChange={canSteer ? () => setForm(form === state.member.name ? null : state.member.name) : undefined} />
        ))}
      </ul>
      {form !== null && canSteer && <AgentForm key={form} member={changed?.member} onDone={() => setForm(null)} />}
    </Section>
  );
}

interface AgentProps {
  state: AgentState;
  alive: boolean;
  tint: string | undefined;
  /** When work began: who joined later was hired in mid-run. */
  startedAt: number;
  onChange: (() => void) | undefined;
}

function Agent({ state, alive, tint, startedAt, onChange }: AgentProps): JSX.Element {
  const { send, jump } = useView();
  const { member, step } = state;
  const activity = alive || state.activity === 'left' ? state.activity : 'idle';
  const leads = member.kind === 'coordinator' && member.name !== 'coordinator';
  const role = [leads && 'coordinator', member.role, member.tools.length > 0 && `tools: ${member.tools.join(', ')}`];
  const used = [state.tokens > 0 && `${count(state.tokens)} tokens`, state.cost !== null && dollars(state.cost)];
  const about = role.filter(Boolean).join(' · ');
  return (
    <li class={`agentnb-agent agentnb-at-${activity}`} style={agentStyle(tint)}>
      <span class="agentnb-dot" />
      <span class="agentnb-name">{member.name}{member.team && <span class="agentnb-facts"> of {member.team}</span>}</span>
      <span class="agentnb-role" title={about}>{about}</span>
      <span class="agentnb-facts">{[member.model, member.mode !== 'scratch' && member.mode].filter(Boolean).join(' · ')}</span>
      <Doing state={state} activity={activity} alive={alive} startedAt={startedAt} />
      <span class="agentnb-facts agentnb-used">
        {used.filter(Boolean).join(' · ')}
        {step !== null && <Button kind="quiet" title={`Go to the newest step of ${member.name}`} onClick={() => jump(step)}>{plural(state.steps, 'step')}</Button>}
      </span>
      <span class="agentnb-acts">
        {onChange && activity !== 'left' && <Button kind="quiet" onClick={onChange} title={`Change ${member.name}`}>Change</Button>}
        {onChange && activity !== 'left' && member.kind !== 'coordinator' && <Sure ask="Sure?" title={`Dismiss ${member.name}`} onClick={() => void send({ name: 'dismiss', agent: member.name })}>Dismiss</Sure>}
      </span>
    </li>
  );
}

function Doing({ state, activity, alive, startedAt }: { state: AgentState; activity: string; alive: boolean; startedAt: number }): JSX.Element {
  const { left_at, joined_at } = state.member;
  const hired = joined_at > startedAt ? `hired at ${clock(joined_at)}` : '';
  if (activity === 'left') return <span class="agentnb-facts">{hired && `${hired}, `}dismissed at {clock(left_at ?? 0)}</span>;
  if (!alive || (activity === 'idle' && hired)) return <span class="agentnb-facts">{hired}</span>;
  const words: Record<string, string> = { thinking: 'thinking', acting: 'running code', waiting: `waits for ${state.for}`, idle: 'idle' };
  return (
    <span class={`agentnb-doing agentnb-is-${activity}`}>
      {activity !== 'idle' && <Mark status={activity} />}
      {words[activity]}
    </span>
  );
}
