import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { ansi } from '../core/ansi';
import { isObject, textOf } from '../core/normal';
import { drawPieces } from '../core/pieces';
import type { MimeBundle, Renderer } from '../core/host';
import { useView } from './context';
import { memo } from './memo';

type Json = Record<string, unknown>;

/** A node that something else fills; it is filled again only where `of` is another thing. */
function Foreign({ of, name, draw }: { of: unknown; name: string; draw(element: HTMLElement): void | Promise<void> }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const failed = (error: unknown): void => void (element.textContent = `This cannot be drawn: ${String(error)}`);
    try {
      Promise.resolve(draw(element)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }, [of]);
  return <div class={name} ref={place} />;
}

export const Markdown = memo(({ text, name = 'agentnb-markdown' }: { text: string; name?: string }): JSX.Element => {
  const { renderer } = useView();
  return <Foreign of={text} name={name} draw={element => renderer.markdown(text, element)} />;
});

export const Code = memo(({ text }: { text: string }): JSX.Element => {
  const { renderer } = useView();
  return <Foreign of={text} name="agentnb-code" draw={element => renderer.code(text, element)} />;
});

/** Text of a terminal, in parts of which only the last is drawn again while it grows; a very long one loses its middle. */
export const Terminal = memo(({ text, name = '' }: { text: string; name?: string }): JSX.Element => (
  <div class={`agentnb-terminal ${name}`}>{parts(cut(text)).map((part, index) => <Part key={index} text={part} />)}</div>
));

const Part = memo(({ text }: { text: string }): JSX.Element => (
  <Foreign of={text} name="agentnb-lines" draw={element => drawPieces(ansi(text), element)} />
));

/** Text that still grows, in parts of which only the last is laid out anew; where there are lines, they end with one. */
export function Streaming({ text }: { text: string }): JSX.Element {
  const all = text.match(/[^]{1,2000}\n|[^]{1,2000}(?:\s|$)|[^]{1,2000}/g) ?? [];
  return (
    <div class="agentnb-streaming agentnb-words">
      {all.map((part, index) => <p key={index}>{part}{index === all.length - 1 && <i class="agentnb-caret" />}</p>)}
    </div>
  );
}

/** A MIME bundle as the notebook would draw it; vector pictures always as pictures, which cannot run anything. */
export const Bundle = memo(({ data }: { data: MimeBundle }): JSX.Element => {
  const { renderer } = useView();
  return <Foreign of={data} name="agentnb-bundle" draw={element => drawBundle(data, element, renderer)} />;
});

/** One output in nbformat's form. */
export const Output = memo(({ output }: { output: Json }): JSX.Element | null => {
  if (output['output_type'] === 'stream') {
    return <Terminal text={textOf(output['text'])} name={output['name'] === 'stderr' ? 'agentnb-stderr' : ''} />;
  }
  if (output['output_type'] === 'error') {
    const lines = Array.isArray(output['traceback']) ? output['traceback'].map(textOf) : [];
    return <Failure name={textOf(output['ename'])} message={textOf(output['evalue'])} lines={lines} />;
  }
  return isObject(output['data']) ? <Bundle data={output['data']} /> : null;
});

/** An error: its message at once, the traceback a click away. */
export function Failure({ name, message, lines }: { name: string; message: string; lines: string[] }): JSX.Element {
  const said = (
    <>
      <b>{name || 'Error'}</b>
      {message && `: ${plain(message)}`}
    </>
  );
  if (!lines.length) return <div class="agentnb-error">{said}</div>;
  return (
    <details class="agentnb-error">
      <summary>{said}</summary>
      <Terminal text={lines.join('\n')} />
    </details>
  );
}

function drawBundle(data: MimeBundle, element: HTMLElement, renderer: Renderer): void | Promise<void> {
  const svg = textOf(data['image/svg+xml']);
  if (!svg || data['text/html']) return renderer.bundle(data, element);
  const picture = document.createElement('img');
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  picture.alt = textOf(data['text/plain']).slice(0, 200) || 'picture';
  element.replaceChildren(picture);
}

const LONGEST = 100_000;

function cut(text: string): string {
  if (text.length <= LONGEST) return text;
  const half = LONGEST / 2;
  return `${text.slice(0, half)}\n… ${(text.length - LONGEST).toLocaleString('en')} characters left out …\n${text.slice(-half)}`;
}

/** The text in parts of some 50 lines. */
const parts = (text: string): string[] => text.match(/(?:[^\n]*\n){1,50}|[^\n]+$/g) ?? [];

const plain = (text: string): string => ansi(text).map(piece => piece.text).join('');
