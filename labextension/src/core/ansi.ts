/** Terminal text as pieces with classes: the colours of SGR kept, every other escape sequence and overwritten lines dropped. */

/** A piece of text; `style` holds a colour that no class stands for. */
export interface Piece {
  text: string;
  classes: string;
  style?: { color?: string; background?: string };
}

interface State {
  fg: string;
  bg: string;
  bold: boolean;
  italic: boolean;
  under: boolean;
}

const PLAIN: State = { fg: '', bg: '', bold: false, italic: false, under: false };
const CSI = /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\^_=>]|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

/** Colours are `0` to `7` for the theme's, `#rrggbb` for any other. */
export function ansi(text: string): Piece[] {
  const pieces: Piece[] = [];
  let state = { ...PLAIN };
  let from = 0;
  const source = overwritten(text);
  const add = (part: string): void => {
    if (part) pieces.push(piece(part.replaceAll('\x1b', ''), state));
  };
  for (const found of source.matchAll(CSI)) {
    add(source.slice(from, found.index));
    from = found.index + found[0].length;
    if (found[2] === 'm') state = sgr(state, (found[1] ?? '').split(/[;:]/).map(Number));
  }
  add(source.slice(from));
  return pieces;
}

/** What is left on the line after carriage returns and backspaces, as far as progress bars need it. */
function overwritten(text: string): string {
  if (!/[\r\b]/.test(text)) return text;
  const lines = text.replace(/\r\n/g, '\n').split('\n');
  return lines.map(line => line.slice(line.lastIndexOf('\r', line.length - 2) + 1).replace(/\r/g, '').replace(/[^\b][\b]/g, '')).join('\n');
}

function sgr(state: State, codes: number[]): State {
  let next = state;
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    if (code === 38 || code === 48) {
      const isIndexed = codes[index + 1] === 5;
      const colour = isIndexed ? indexed(codes[index + 2] ?? 0) : rgb(codes.slice(index + 2, index + 5));
      next = code === 38 ? { ...next, fg: colour } : { ...next, bg: colour };
      index += isIndexed ? 2 : 4;
    } else {
      next = simple(next, code);
    }
  }
  return next;
}

function simple(state: State, code: number): State {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...state, bold: true };
  if (code === 3) return { ...state, italic: true };
  if (code === 4) return { ...state, under: true };
  if (code === 22) return { ...state, bold: false };
  if (code === 23) return { ...state, italic: false };
  if (code === 24) return { ...state, under: false };
  const base = code % 10;
  const row = Math.floor(code / 10);
  if (row === 3 || row === 9) return base === 9 ? { ...state, fg: '' } : { ...state, fg: String(base) };
  if (row === 4 || row === 10) return base === 9 ? { ...state, bg: '' } : { ...state, bg: String(base) };
  return state;
}

/** A colour of the palette of 256. */
function indexed(number: number): string {
  if (number < 16) return String(number % 8);
  if (number > 231) return rgb([0, 0, 0].map(() => 8 + (number - 232) * 10));
  const level = (value: number): number => (value ? 55 + value * 40 : 0);
  const cube = number - 16;
  return rgb([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

function rgb(parts: number[]): string {
  const hex = [0, 1, 2].map(index => Math.min(255, Math.max(0, parts[index] || 0)).toString(16).padStart(2, '0'));
  return `#${hex.join('')}`;
}

function piece(text: string, { fg, bg, bold, italic, under }: State): Piece {
  const names = [
    fg && fg[0] !== '#' && `agentnb-fg${fg}`,
    bg && bg[0] !== '#' && `agentnb-bg${bg}`,
    bold && 'agentnb-bold',
    italic && 'agentnb-italic',
    under && 'agentnb-under'
  ];
  const style = { ...(fg[0] === '#' && { color: fg }), ...(bg[0] === '#' && { background: bg }) };
  return { text, classes: names.filter(Boolean).join(' '), ...(Object.keys(style).length > 0 && { style }) };
}
