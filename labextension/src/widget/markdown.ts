/** Markdown as nodes, built straight from its tokens: HTML within it stays text, and pictures come from the text alone. */
import { Lexer, type MarkedOptions, type MarkedToken, type Tokens } from 'marked';
import { link, PICTURE } from './sanitize';

type Nodes = (Node | string)[];

const DEEPEST = 100;
const TAGS: Record<string, string> = { paragraph: 'p', strong: 'strong', em: 'em', del: 'del', blockquote: 'blockquote', hr: 'hr', br: 'br' };

/** Nothing here sets type, so formulas stay as they were typed: their underscores and stars are no emphasis. */
const FORMULA = /^(\$\$?)(?!\s)[^$]*[^$\s]\1(?!\d)/;

const OPTIONS: MarkedOptions = {
  gfm: true,
  extensions: {
    renderers: {},
    childTokens: {},
    startInline: [text => text.search(/\$/)],
    inline: [
      text => {
        const raw = FORMULA.exec(text)?.[0];
        return raw ? { type: 'html', raw } : undefined;
      }
    ]
  }
};

export function markdown(text: string): Nodes {
  return nodes(Lexer.lex(text, OPTIONS), 0);
}

function nodes(tokens: Tokens.Generic[], depth: number): Nodes {
  return tokens.flatMap(token => (depth > DEEPEST ? [token.raw] : drawn(token as MarkedToken, depth + 1)));
}

function drawn(token: MarkedToken, depth: number): Nodes {
  const inner = (): Nodes => ('tokens' in token && token.tokens ? nodes(token.tokens, depth) : []);
  switch (token.type) {
    case 'space':
    case 'def':
      return [];
    case 'heading':
      return [element(`h${token.depth}`, inner())];
    case 'code':
      return [element('pre', [element('code', [token.text])])];
    case 'codespan':
      return [element('code', [token.text])];
    case 'link':
      return [link(token.href, inner())];
    case 'image':
      return [picture(token)];
    case 'list':
      return [list(token, depth)];
    case 'table':
      return [element('table', [element('tr', token.header.map(cell => tableCell(cell, depth))), ...token.rows.map(row => element('tr', row.map(cell => tableCell(cell, depth))))])];
    case 'html':
      return [token.raw];
    case 'text':
    case 'escape':
      return 'tokens' in token && token.tokens ? inner() : [decoded(token.text)];
  }
  const tag = TAGS[token.type];
  return tag ? [element(tag, inner())] : [token.raw];
}

function list(token: Tokens.List, depth: number): HTMLElement {
  const whole = element(
    token.ordered ? 'ol' : 'ul',
    token.items.map(({ task, checked, loose, tokens }) => {
      const parts = loose ? tokens.map(part => (part.type === 'text' ? { ...part, type: 'paragraph' } : part)) : tokens;
      return element('li', [task ? (checked ? '☑ ' : '☐ ') : '', ...nodes(parts, depth)]);
    })
  );
  if (token.ordered && Number(token.start) !== 1) whole.setAttribute('start', String(token.start));
  return whole;
}

function tableCell({ header, align, tokens }: Tokens.TableCell, depth: number): HTMLElement {
  const cell = element(header ? 'th' : 'td', nodes(tokens, depth));
  if (align) cell.setAttribute('align', align);
  return cell;
}

/** What is not within the text is not fetched: it becomes a link. */
function picture({ href, text }: Tokens.Image): Node {
  if (!PICTURE.test(href)) return link(href, [text || href]);
  return Object.assign(document.createElement('img'), { src: href, alt: text });
}

function element(name: string, children: Nodes): HTMLElement {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

/** `&amp;` and its like as the characters that they stand for. */
function decoded(text: string): string {
  return text.replace(/&#?\w+;/g, entity => new DOMParser().parseFromString(entity, 'text/html').body.textContent ?? '');
}
