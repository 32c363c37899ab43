/** Foreign content on pages that have no renderer of their own: sanitized, with pictures from within the record only. */
import { ansi } from '../core/ansi';
import type { MimeBundle, Renderer } from '../core/host';
import { textOf } from '../core/normal';
import { drawPieces } from '../core/pieces';
import { python } from '../core/python';
import { markdown } from './markdown';
import { sanitized } from './sanitize';

const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const BASE64 = /^[A-Za-z0-9+/=\s]+$/;

export const renderer: Renderer = {
  bundle(data, element) {
    const picture = pictureOf(data);
    const html = textOf(data['text/html']);
    if (html && draw(element, sanitized(html))) return;
    if (picture) return element.replaceChildren(picture);
    const prose = textOf(data['text/markdown']);
    if (prose) return this.markdown(prose, element);
    element.replaceChildren(terminal(plainOf(data)));
  },
  markdown(text, element) {
    const prose = document.createElement('div');
    prose.className = 'agentnb-prose';
    prose.append(...markdown(text));
    element.replaceChildren(prose);
  },
  code(text, element) {
    const block = document.createElement('pre');
    drawPieces(python(text), block);
    element.replaceChildren(block);
  }
};

/** Draws a fragment unless sanitizing left nothing to see of it, as of a plot that was all script. */
function draw(element: HTMLElement, fragment: DocumentFragment): boolean {
  if (!fragment.querySelector('img') && !fragment.textContent?.trim()) return false;
  element.replaceChildren(fragment);
  return true;
}

function pictureOf(data: MimeBundle): HTMLImageElement | null {
  const kind = PICTURES.find(mime => BASE64.test(textOf(data[mime])));
  if (!kind) return null;
  const picture = document.createElement('img');
  picture.src = `data:${kind};base64,${textOf(data[kind]).replace(/\s+/g, '')}`;
  picture.alt = textOf(data['text/plain']).slice(0, 200) || 'picture';
  return picture;
}

function plainOf(data: MimeBundle): string {
  const kind = ['text/plain', 'text/latex', 'application/json'].find(mime => data[mime] !== undefined);
  return kind ? textOf(data[kind]) : `(${Object.keys(data).join(', ') || 'nothing'})`;
}

function terminal(text: string): HTMLPreElement {
  const block = document.createElement('pre');
  drawPieces(ansi(text), block);
  return block;
}
