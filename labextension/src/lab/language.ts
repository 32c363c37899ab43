/** How a `%%agents` cell is coloured: its first line as options, the rest as the prose that it is. */
import { StreamLanguage } from '@codemirror/language';
import type { StringStream } from '@codemirror/language';
import type { Extension, Text } from '@codemirror/state';
import { Compartment, EditorState, Prec } from '@codemirror/state';

const MAGIC = /^%%agents(?=\s|$)/;
const VARIABLE = /^\{[\p{L}_][\p{L}\p{N}_]*\}(?!\})/u;

interface State {
  /** Whether the line with the magic is behind. */
  inTask: boolean;
  /** Whether a fenced block of code is open. */
  inFence: boolean;
}

/** Whether the cell's first line that is not empty starts it as a task for agents. */
export function isAgentsCell(text: Text): boolean {
  for (const line of text.iterLines()) {
    if (line.trim() !== '') return MAGIC.test(line);
  }
  return false;
}

export const agentsLanguage = StreamLanguage.define<State>({
  name: 'agents',
  startState: () => ({ inTask: false, inFence: false }),
  copyState: state => ({ ...state }),
  token: (stream, state) => (state.inTask ? proseToken(stream, state) : lineToken(stream, state)),
  languageData: { commentTokens: {}, closeBrackets: { brackets: ['{', '`', '"'] } }
});

/** A token of the line with the options. */
function lineToken(stream: StringStream, state: State): string | null {
  const token = optionToken(stream);
  if (stream.eol() && stream.string.trim() !== '') state.inTask = true;
  return token;
}

function optionToken(stream: StringStream): string | null {
  if (stream.sol() && stream.match(MAGIC)) return 'meta';
  if (stream.eatSpace()) return null;
  if (stream.match(/^--?[A-Za-z][\w-]*/)) return 'keyword';
  if (stream.match(/^@[\p{L}_][\p{L}\p{N}_]*/u)) return 'variableName.definition';
  if (stream.match(/^"[^"]*"?|^'[^']*'?/)) return 'string';
  stream.match(/^[^\s]+/);
  return 'string';
}

/** A token of the task: a little Markdown, and the variables that are filled in. */
function proseToken(stream: StringStream, state: State): string | null {
  if (stream.sol()) {
    if (stream.match(/^\s*(```|~~~).*/)) {
      state.inFence = !state.inFence;
      return 'processingInstruction';
    }
    if (!state.inFence && stream.match(/^#{1,6}\s.*/)) return 'heading';
    if (!state.inFence && stream.match(/^\s*([-*+]|\d+[.)])\s/)) return 'list';
  }
  return (state.inFence ? null : inlineToken(stream)) ?? textToken(stream, state);
}

function inlineToken(stream: StringStream): string | null {
  if (stream.match(/^`[^`]+`/)) return 'monospace';
  if (stream.match(/^\*\*[^*]+\*\*/)) return 'strong';
  return null;
}

function textToken(stream: StringStream, state: State): string | null {
  const isDoubled = stream.string[stream.pos - 1] === '{';
  if (!isDoubled && stream.match(VARIABLE)) return 'variableName.special';
  stream.next();
  stream.match(state.inFence ? /^[^{]+/ : /^[^{`*]+/);
  return state.inFence ? 'monospace' : 'content';
}

/**
 * Speaks agents where the document is a `%%agents` cell, whatever language the editor has else, and follows each edit.
 *
 * `text` is the document at the start.
 */
export function agentsExtension(text: Text): Extension {
  const compartment = new Compartment();
  const language = (isAgents: boolean): Extension => (isAgents ? Prec.highest(agentsLanguage) : []);
  return [
    compartment.of(language(isAgentsCell(text))),
    EditorState.transactionExtender.of(transaction => {
      if (!transaction.docChanged) return null;
      const is = isAgentsCell(transaction.newDoc);
      if (is === isAgentsCell(transaction.startState.doc)) return null;
      return { effects: compartment.reconfigure(language(is)) };
    })
  ];
}
