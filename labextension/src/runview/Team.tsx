import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { agentStates, type AgentState } from '../core/agents';
import { isFinal } from '../core/fold';
import type { RunRecord } from '../core/record';
import { clock, count, dollars } from '../core/words';
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
          <Agent key={`${state.member.team}/${state.member.name}`} state={state} alive={alive} tint={tints.get(state.member.name)} onChange={canSteer ? () => setForm(form === state.member.name ? null : state.member.name) : undefined} />
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
  onChange: (() => void) | undefined;
}

function Agent({ state, alive, tint, onChange }: AgentProps): JSX.Element {
  const { send, jump } = useView();
  const { member, step } = state;
  const activity = alive || state.activity === 'left' ? state.activity : 'idle';
  const facts = [member.kind === 'coordinator' && member.role !== 'coordinator' && 'coordinator', member.model, member.mode !== 'scratch' && member.mode];
  const used = [state.tokens > 0 && `${count(state.tokens)} tokens`, state.cost !== null && dollars(state.cost)];
  return (
    <li class={`agentnb-agent agentnb-at-${activity}`} style={agentStyle(tint)}>
      <span class="agentnb-dot" />
      <div class="agentnb-who">
        <div>
          <b>{member.name}</b>
          {member.team && <span class="agentnb-facts"> of {member.team}</span>}
          <span class="agentnb-facts">{facts.filter(Boolean).map(fact => ` · ${fact}`)}</span>
        </div>
        {member.role && <div class="agentnb-role" title={member.role}>{member.role}</div>}
        {member.tools.length > 0 && <div class="agentnb-facts" title={member.tools.join(', ')}>tools: {member.tools.slice(0, 4).join(', ')}{member.tools.length > 4 && ' …'}</div>}
      </div>
      <div class="agentnb-now">
        <Doing state={state} activity={activity} alive={alive} />
        <div class="agentnb-facts">
          {used.filter(Boolean).join(' · ')}
          {step !== null && <Button kind="quiet" title={`Go to the newest step of ${member.name}`} onClick={() => jump(step)}>{state.steps} {state.steps === 1 ? 'step' : 'steps'}</Button>}
        </div>
        {onChange && activity !== 'left' && (
          <div class="agentnb-acts">
            <Button kind="quiet" onClick={onChange} title={`Change ${member.name}`}>Change</Button>
            {member.kind !== 'coordinator' && <Sure ask={`Dismiss ${member.name}?`} onClick={() => void send({ name: 'dismiss', agent: member.name })}>Dismiss</Sure>}
          </div>
        )}
      </div>
    </li>
  );
}

function Doing({ state, activity, alive }: { state: AgentState; activity: string; alive: boolean }): JSX.Element | null {
  const { left_at, joined_at } = state.member;
  if (activity === 'left') return <div class="agentnb-facts">dismissed at {clock(left_at ?? 0)}</div>;
  const hired = joined_at > 0.5 && <span class="agentnb-facts">hired at {clock(joined_at)}</span>;
  if (!alive) return <div>{hired}</div>;
  const words: Record<string, string> = { thinking: 'thinking', acting: 'running code', waiting: `waits for ${state.for}`, idle: 'idle' };
  return (
    <div class={`agentnb-doing agentnb-is-${activity}`}>
      {activity !== 'idle' && <Mark status={activity} />}
      {words[activity]}
    </div>
  );
}
