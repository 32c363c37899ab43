/** HTML of anybody's as HTML that can do nothing: it runs no script, loads nothing, styles nothing, names nothing. */
import DOMPurify from 'dompurify';

const TAGS =
  'a abbr b blockquote br caption code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li ' +
  'mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt u ul var';
const ATTRIBUTES = 'href src alt title width height start colspan rowspan align scope';
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i;
const LINK = /^(?:https?:\/\/|mailto:)/i;
const NUMBER = /^\d{1,5}%?$/;

const purifier = DOMPurify(window);
purifier.addHook('afterSanitizeAttributes', node => {
  for (const [name, allowed] of [['src', PICTURE], ['href', LINK], ['width', NUMBER], ['height', NUMBER]] as const) {
    const value = node.getAttribute(name);
    if (value !== null && !allowed.test(value.trim())) node.removeAttribute(name);
  }
  if (node.nodeName === 'A' && node.hasAttribute('href')) {
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer');
  }
});

/** A fragment that is safe to put into the page. */
export function sanitized(html: string): DocumentFragment {
  return purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS.split(' '),
    ALLOWED_ATTR: ATTRIBUTES.split(' '),
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|data:image\/)/i,
    RETURN_DOM_FRAGMENT: true
  });
}
