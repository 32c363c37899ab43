/**
 * HTML of anybody's as nodes that can do nothing: they run no script, load nothing, style nothing, name nothing.
 *
 * The HTML is parsed where nothing runs, and nodes of known kinds are built anew from it: nothing is ever parsed again,
 * so nothing can turn into something else on the way to the page.
 */
const KEPT = new Set(
  (
    'a abbr b blockquote br caption code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li ' +
    'mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt u ul var'
  ).split(' ')
);
/** Elements whose text is not for reading; of all others that are not kept the text stays. */
const DROPPED = new Set('script style title noscript template iframe noembed noframes textarea xmp'.split(' '));
const HTML = 'http://www.w3.org/1999/xhtml';
const DEEPEST = 100;

const NUMBER = /^\d{1,5}%?$/;
const WORD = /^[a-z]{1,10}$/i;
const ANY = /^/;
const LINK = /^(?:https?:\/\/|mailto:)\S+$/i;
export const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i;

/** The attributes of each element, with what their values have to be. */
const ATTRIBUTES: Record<string, Record<string, RegExp>> = {
  a: { href: LINK, title: ANY },
  abbr: { title: ANY },
  img: { src: PICTURE, alt: ANY, width: NUMBER, height: NUMBER },
  ol: { start: NUMBER },
  td: { colspan: NUMBER, rowspan: NUMBER, align: WORD },
  th: { colspan: NUMBER, rowspan: NUMBER, align: WORD, scope: WORD }
};

/** A fragment that is safe to put into the page. */
export function sanitized(html: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  copyChildren(new DOMParser().parseFromString(html, 'text/html').body, fragment, 0);
  return fragment;
}

/** A link to another page; one that leads anywhere else leads nowhere. */
export function link(href: string, children: (Node | string)[]): HTMLElement {
  const made = document.createElement('a');
  if (LINK.test(href)) made.href = href;
  made.append(...children);
  return lead(made);
}

/** Links open pages of their own, which learn nothing of this one. */
function lead<T extends Element>(made: T): T {
  made.setAttribute('target', '_blank');
  made.setAttribute('rel', 'noopener noreferrer');
  return made;
}

function copyChildren(from: Node, to: Node, depth: number): void {
  if (depth > DEEPEST) return void to.appendChild(document.createTextNode(from.textContent ?? ''));
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.appendChild(document.createTextNode(node.nodeValue ?? ''));
    else if (node instanceof Element) copyElement(node, to, depth + 1);
  }
}

function copyElement(element: Element, to: Node, depth: number): void {
  const name = element.localName;
  if (DROPPED.has(name) || element.namespaceURI !== HTML) return;
  if (!KEPT.has(name)) return copyChildren(element, to, depth);
  const copy = document.createElement(name);
  for (const [attribute, allowed] of Object.entries(ATTRIBUTES[name] ?? {})) {
    const value = element.getAttribute(attribute)?.trim();
    if (value !== undefined && allowed.test(value)) copy.setAttribute(attribute, value);
  }
  if (name === 'img' && !copy.hasAttribute('src')) return;
  if (name === 'a') lead(copy);
  copyChildren(element, copy, depth);
  to.appendChild(copy);
}
