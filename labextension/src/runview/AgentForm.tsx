import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AgentSettings } from '../core/protocol';
import type { Member } from '../core/record';
import { useView } from './context';
import { Field } from './parts';

const MODES = ['scratch', 'branch', 'dask', 'live'] as const;
const NUMBERS = ['max_steps', 'timeout'] as const;

/** Hires an agent, or changes `member`: only what differs is sent. */
export function AgentForm({ member, onDone }: { member: Member | undefined; onDone(): void }): JSX.Element {
  const { send } = useView();
  const [fields, setFields] = useState<Record<string, string>>(() => start(member));
  const edit = (name: string) => (event: Event): void => {
    const { value } = event.currentTarget as HTMLInputElement;
    setFields(before => ({ ...before, [name]: value }));
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const settings = settingsOf(fields, start(member));
    const { role, ...others } = settings;
    const agent = member?.name ?? fields['name']?.trim() ?? '';
    const reply = await send(member ? { name: 'change', agent, settings } : { name: 'hire', agent, role: role ?? '', settings: others });
    if (reply.ok) onDone();
  };
  const text = (name: string, hint: string): JSX.Element => <input value={fields[name] ?? ''} placeholder={hint} onInput={edit(name)} />;
  return (
    <form class="agentnb-form" aria-label={member ? `Change ${member.name}` : 'Hire an agent'} onSubmit={event => void submit(event)}>
      {!member && <Field label="Name"><input required pattern="[A-Za-z_][A-Za-z0-9_]*" title="A name that Python accepts" value={fields['name'] ?? ''} onInput={edit('name')} /></Field>}
      <Field label="Role" wide><input required={!member} value={fields['role'] ?? ''} placeholder="what it is good for" onInput={edit('role')} /></Field>
      <Field label="Model">{text('model', 'as the team')}</Field>
      <Field label="Mode">
        <select value={fields['mode']} onChange={edit('mode')}>
          {MODES.map(mode => <option key={mode} value={mode}>{mode}</option>)}
        </select>
      </Field>
      <Field label="Tools">{text('tools', 'names, comma-separated')}</Field>
      <Field label="Instructions" wide>{text('instructions', 'what else it should know')}</Field>
      {NUMBERS.map(name => (
        <Field key={name} label={name === 'timeout' ? 'Seconds per action' : 'Steps per task'}>
          <input type="number" min="1" value={fields[name] ?? ''} onInput={edit(name)} />
        </Field>
      ))}
      <div class="agentnb-acts">
        <button type="submit" class="agentnb-button agentnb-main">{member ? `Change ${member.name}` : 'Hire'}</button>
        <button type="button" class="agentnb-button" onClick={onDone}>Cancel</button>
      </div>
    </form>
  );
}

function start(member: Member | undefined): Record<string, string> {
  if (!member) return { mode: 'scratch' };
  return { role: member.role, model: member.model, mode: member.mode, tools: member.tools.join(', ') };
}

function settingsOf(fields: Record<string, string>, before: Record<string, string>): AgentSettings {
  const changed = (name: string): string | undefined => {
    const value = fields[name]?.trim();
    return value === undefined || value === (before[name] ?? '') ? undefined : value;
  };
  const settings: AgentSettings = {};
  for (const name of ['role', 'model', 'instructions'] as const) {
    const value = changed(name);
    if (value !== undefined) settings[name] = value;
  }
  for (const name of NUMBERS) {
    const value = Number(changed(name) || NaN);
    if (value > 0) settings[name] = value;
  }
  const mode = MODES.find(each => each === changed('mode'));
  if (mode) settings.mode = mode;
  const tools = changed('tools');
  if (tools !== undefined) settings.tools = tools.split(/[\s,]+/).filter(Boolean);
  return settings;
}
