import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { isFinal } from '../core/fold';
import type { Message, RunRecord } from '../core/record';
import { clock } from '../core/words';
import { useView } from './context';
import { Button, Section } from './parts';

const SHOWN = 4;

const isPerson = (name: string): boolean => name === 'user' || name === 'you';
const nameOf = (name: string): string => (isPerson(name) ? 'you' : name);

/** What was said, and a box to say something. */
export function Talk({ record }: { record: RunRecord }): JSX.Element | null {
  const { actions, live } = useView();
  const [all, showAll] = useState(false);
  const canSay = live && Boolean(actions.command) && !isFinal(record.status);
  const { messages } = record;
  if (!canSay && !messages.length) return null;
  const hidden = all ? 0 : Math.max(0, messages.length - SHOWN);
  return (
    <Section name="talk" label="Said">
      {hidden > 0 && <Button kind="quiet" onClick={() => showAll(true)}>{hidden} earlier</Button>}
      {messages.length > 0 && <ol>{messages.slice(hidden).map((message, index) => <Line key={hidden + index} message={message} />)}</ol>}
      {canSay && <Box record={record} />}
    </Section>
  );
}

function Line({ message }: { message: Message }): JSX.Element {
  return (
    <li class={isPerson(message.sender) ? 'agentnb-mine' : ''}>
      <span class="agentnb-facts">{clock(message.at)}</span>
      <b>{nameOf(message.sender)}</b>
      <span class="agentnb-facts">to {nameOf(message.to)}</span>
      <span class="agentnb-words">{message.text}</span>
    </li>
  );
}

function Box({ record }: { record: RunRecord }): JSX.Element {
  const { send, state } = useView();
  const [to, setTo] = useState('');
  const present = record.roster.filter(member => member.left_at === null);
  const lead = present.find(member => member.kind === 'coordinator' && !member.team);
  const others = present.filter(member => member !== lead);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const text = state.say.trim();
    if (!text) return;
    const reply = await send(to ? { name: 'say', text, to } : { name: 'say', text });
    if (reply.ok) state.change(() => (state.say = ''));
  };
  return (
    <form class="agentnb-say" onSubmit={event => void submit(event)}>
      <select aria-label="to whom" value={to} onChange={event => setTo(event.currentTarget.value)}>
        <option value="">{lead?.name ?? 'coordinator'}</option>
        {others.map(member => <option key={`${member.team}/${member.name}`} value={member.name}>{member.name}</option>)}
      </select>
      <input aria-label="What to say" placeholder="Say something to steer the work; it is read before the next step" value={state.say} onInput={event => state.change(() => (state.say = event.currentTarget.value))} />
      <button type="submit" class="agentnb-button" disabled={!state.say.trim()}>Say</button>
    </form>
  );
}
