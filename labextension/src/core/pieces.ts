/** Pieces of coloured text as DOM nodes: text stays text, whatever is in it. */
import type { Piece } from './ansi';

export function drawPieces(pieces: Piece[], element: HTMLElement): void {
  element.replaceChildren(
    ...pieces.map(({ text, classes, style }) => {
      if (!classes && !style) return text;
      const span = document.createElement('span');
      span.className = classes;
      span.textContent = text;
      if (style?.color) span.style.color = style.color;
      if (style?.background) span.style.background = style.background;
      return span;
    })
  );
}
