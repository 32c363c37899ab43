import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { stepCells } from '../core/cells';
import type { Request, Step } from '../core/record';
import { ChangeList } from './Changes';
import { useView } from './context';
import { Code, Failure, Markdown, Output, Streaming } from './Foreign';
import { insertCells } from './insert';
import { memo } from './memo';
import { Button, Sure } from './parts';
import { Pending, Settled } from './Requests';

/** All there is of a step; a plain text is enough for a thought that still streams. */
export function StepBody({ step, requests }: { step: Step; requests: Request[] }): JSX.Element {
  const streams = step.status === 'thinking' && step.timing.replied_at === null;
  const told = step.outputs.some(output => output['output_type'] === 'error');
  const open = requests.filter(request => request.status === 'open');
  return (
    <>
      {streams ? <Streaming text={step.thought} /> : step.thought.trim() && <Markdown text={step.thought} />}
      {step.code?.trim() && <CodeBlock step={step} />}
      {requests.filter(request => request.status !== 'open').map(request => <Settled key={request.id} request={request} />)}
      {open.map(request => <Pending key={request.id} request={request} />)}
      {step.outputs.length > 0 && <div class="agentnb-outputs">{step.outputs.map((output, index) => <Output key={index} output={output} />)}</div>}
      {step.error && !told && <Failure name={step.error.name} message={step.error.message} lines={step.error.traceback} />}
      {step.notes.map((note, index) => <p key={index} class="agentnb-note">{note}</p>)}
      <Done step={step} />
    </>
  );
}

const CodeBlock = memo(({ step }: { step: Step }): JSX.Element => {
  const view = useView();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(step.code ?? '');
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    } catch {
      view.tell('The browser does not let this page copy; select the code and copy it by hand.', true);
    }
  };
  return (
    <div class="agentnb-block">
      <Code text={(step.code ?? '').replace(/^\n+|\s+$/g, '')} />
      <span class="agentnb-acts">
        <Button kind="quiet" onClick={() => void copy()}>{copied ? 'Copied' : 'Copy'}</Button>
        {view.actions.insertCells && <Button kind="quiet" onClick={() => void insertCells(view, stepCells(step), step.id)} title="Insert this step as notebook cells">To cells</Button>}
      </span>
    </div>
  );
});

/** What the step changed, and how to take it back. */
function Done({ step }: { step: Step }): JSX.Element | null {
  const { actions, send } = useView();
  const canUndo = actions.command && !step.undone && step.timing.code_ended_at !== null && step.changes.some(change => change.scope === 'user');
  if (!step.changes.length) return null;
  return (
    <div class="agentnb-foot">
      <ChangeList changes={step.changes} undone={step.undone} />
      {canUndo && <Sure ask="Undo this step?" title="Take back what this step did to your variables" onClick={() => void send({ name: 'undo', step: step.id })}>Undo</Sure>}
    </div>
  );
}
