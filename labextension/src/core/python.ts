/** Python as pieces with classes, for highlighting; what it does not know stays plain text. */
import type { Piece } from './ansi';

const KEYWORDS = new Set(
  (
    'and as assert async await break case class continue def del elif else except finally for from global if import in ' +
    'is lambda match nonlocal not or pass raise return try while with yield'
  ).split(' ')
);
const ATOMS = new Set(['True', 'False', 'None']);
const TOKEN = new RegExp(
  [
    /(?<comment>#[^\n]*|^[ \t]*[%!][^\n]*)/,
    /(?<string>[rbfuRBFU]{0,2}(?:"""[^]*?(?:"""|(?![^]))|'''[^]*?(?:'''|(?![^]))|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?))/,
    /(?<number>\b(?:0[xobXOB][\da-fA-F_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?j?)\b)/,
    /(?<meta>^[ \t]*@[\w.]+)/,
    /(?<name>[\p{L}_][\p{L}\p{N}_]*)/u
  ]
    .map(part => part.source)
    .join('|'),
  'gmu'
);

export function python(source: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let before = '';
  for (const found of source.matchAll(TOKEN)) {
    const text = found[0];
    if (found.index > from) pieces.push({ text: source.slice(from, found.index), classes: '' });
    from = found.index + text.length;
    const [kind] = Object.entries(found.groups ?? {}).find(([, value]) => value !== undefined) ?? [''];
    const style = kind === 'name' ? nameKind(text, before, source[from] ?? '') : kind;
    pieces.push({ text, classes: style && `agentnb-t-${style}` });
    before = text;
  }
  if (from < source.length) pieces.push({ text: source.slice(from), classes: '' });
  return pieces;
}

function nameKind(name: string, before: string, after: string): string {
  if (KEYWORDS.has(name)) return 'keyword';
  if (ATOMS.has(name)) return 'atom';
  if (before === 'def' || before === 'class') return 'def';
  return after === '(' ? 'call' : '';
}
