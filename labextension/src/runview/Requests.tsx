import type { JSX } from 'preact';
import { Fragment } from 'preact';
import { isFinal } from '../core/fold';
import type { Command } from '../core/protocol';
import type { Request, RunRecord } from '../core/record';
import { clock, oneLine } from '../core/words';
import { ChangeList } from './Changes';
import { useView } from './context';
import { Code, Markdown } from './Foreign';
import { Button, Mark, useTick } from './parts';
import { PlanTable } from './PlanTable';

type Answer = Omit<Extract<Command, { name: 'answer' }>, 'name' | 'request'>;

const ASKS: Record<Request['kind'], string> = {
  question: 'asks you',
  action: 'wants to run this code',
  plan: 'proposes this plan',
  merge: 'wants to bring these changes into your variables'
};

/** Everything that waits for the person, before all else. */
export function Requests({ record, now }: { record: RunRecord; now(): number }): JSX.Element | null {
  const open = record.requests.filter(request => request.status === 'open');
  if (!open.length || isFinal(record.status)) return null;
  return (
    <section class="agentnb-section agentnb-requests" aria-label="Waits for you">
      {open.map(request => <Asked key={request.id} request={request} now={now} />)}
    </section>
  );
}

/** One request with what it takes to answer it; where nothing can be answered, only what is asked. */
function Asked({ request, now }: { request: Request; now(): number }): JSX.Element {
  const { actions, live, jump } = useView();
  const canAnswer = live && Boolean(actions.command);
  const { step } = request;
  return (
    <div class="agentnb-request" role="group" data-request={request.id} aria-label={`${request.agent} ${ASKS[request.kind]}`}>
      <div class="agentnb-bar">
        <Mark status="waiting" />
        <b>{request.agent}</b> {ASKS[request.kind]}
        {request.expires_at !== null && live && <Countdown at={request.expires_at} now={now} />}
        {step && <Button kind="quiet" onClick={() => jump(step)}>Go to step</Button>}
      </div>
      {request.text && <Markdown text={request.text} />}
      {canAnswer ? <Form request={request} /> : <Shown request={request} />}
    </div>
  );
}

function Countdown({ at, now }: { at: number; now(): number }): JSX.Element {
  useTick(true);
  return <span class="agentnb-facts">counts as denied in {clock(at - now())}</span>;
}

function Shown({ request }: { request: Request }): JSX.Element {
  return (
    <>
      {request.code !== null && <Code text={request.code} />}
      {request.plan.length > 0 && <PlanTable items={request.plan} />}
      <ChangeList changes={request.changes} open />
    </>
  );
}

function Form({ request }: { request: Request }): JSX.Element {
  const { send, state } = useView();
  const draft = state.draft(request.id);
  const answer = async (part: Answer): Promise<void> => {
    const reply = await send({ name: 'answer', request: request.id, ...part });
    if (reply.ok) state.drafts.delete(request.id);
  };
  if (request.kind === 'question') return <Question request={request} answer={answer} />;
  const edited = editedOf(request, draft);
  const allow = (forRun: boolean): void => void answer({ status: 'allowed', ...edited, ...(forRun && { for_run: true }) });
  const reason = draft.text.trim();
  return (
    <form onSubmit={event => event.preventDefault()}>
      {request.kind === 'action' && <Action request={request} />}
      {request.kind === 'plan' && <PlanTable items={draft.plan ?? request.plan} onChange={plan => state.setDraft(request.id, { plan })} />}
      <ChangeList changes={request.changes} open />
      <div class="agentnb-acts">
        <Button kind="main" onClick={() => allow(false)}>{Object.keys(edited).length ? 'Allow as edited' : request.kind === 'action' ? 'Allow once' : 'Allow'}</Button>
        {request.kind === 'action' && <Button onClick={() => allow(true)}>Allow the like for this run</Button>}
        <span class="agentnb-deny">
          <Button kind="danger" onClick={() => void answer({ status: 'denied', ...(reason && { text: reason }) })}>Deny</Button>
          <input aria-label="Why it is denied" placeholder="reason, for the agent" value={draft.text} onInput={event => state.setDraft(request.id, { text: event.currentTarget.value })} />
        </span>
      </div>
    </form>
  );
}

/** What the person changed; an edit that was taken back is none. */
function editedOf(request: Request, draft: { code?: string; plan?: Request['plan'] }): Pick<Answer, 'code' | 'plan'> {
  const { code, plan } = draft;
  return {
    ...(code !== undefined && code !== request.code && { code }),
    ...(plan && JSON.stringify(plan) !== JSON.stringify(request.plan) && { plan })
  };
}

function Question({ request, answer }: { request: Request; answer(part: Answer): Promise<void> }): JSX.Element {
  const { state } = useView();
  const { text } = state.draft(request.id);
  return (
    <form class="agentnb-inline" onSubmit={event => {
      event.preventDefault();
      void answer({ status: 'answered', text });
    }}>
      <textarea rows={Math.min(8, text.split('\n').length)} aria-label={`Answer to ${request.agent}`} placeholder="Your answer; Enter sends it, Shift+Enter starts a line" value={text} onInput={event => state.setDraft(request.id, { text: event.currentTarget.value })} onKeyDown={event => {
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        if (text.trim()) void answer({ status: 'answered', text });
      }} />
      <button type="submit" class="agentnb-button agentnb-main" disabled={!text.trim()}>Answer</button>
    </form>
  );
}

function Action({ request }: { request: Request }): JSX.Element {
  const { state } = useView();
  const code = state.draft(request.id).code ?? request.code ?? '';
  return (
    <>
      <textarea class="agentnb-edit" aria-label="The code, which you may edit" spellcheck={false} rows={Math.min(18, Math.max(2, code.split('\n').length))} value={code} onInput={event => state.setDraft(request.id, { code: event.currentTarget.value })} />
      {request.touches.length > 0 && <p class="agentnb-facts">touches {request.touches.map((name, index) => <Fragment key={name}>{index > 0 && ', '}<code>{name}</code></Fragment>)}</p>}
    </>
  );
}

/** At the step that a request is about: where it is answered. */
export function Pending({ request }: { request: Request }): JSX.Element {
  const { answer } = useView();
  return (
    <p class="agentnb-settled">
      <Mark status="waiting" />
      {request.kind === 'question' ? `“${oneLine(request.text, 300)}”` : request.kind} waits for you
      <Button kind="quiet" onClick={() => answer(request.id)}>Go to the request</Button>
    </p>
  );
}

/** How a request ended, at the step it was about. */
export function Settled({ request }: { request: Request }): JSX.Element {
  const how = [request.edited && 'with edits', request.for_run && 'and the like for this run'].filter(Boolean).join(', ');
  const good = request.status === 'allowed' || request.status === 'answered';
  return (
    <p class="agentnb-settled">
      <Mark status={good ? 'done' : 'denied'} />
      {request.kind === 'question' ? `“${oneLine(request.text, 300)}”` : request.kind} {request.status}
      {how && ` ${how}`}
      {request.by && ` by ${request.by === 'user' ? 'you' : request.by}`}
      {request.answer && <>: <span class="agentnb-words">{request.answer}</span></>}
    </p>
  );
}
