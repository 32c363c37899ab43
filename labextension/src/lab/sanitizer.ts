/** JupyterLab's sanitizer, and then: nothing that sends a request, covers the page, or names a command or an element of it. */
import { Sanitizer } from '@jupyterlab/apputils';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

const KEPT_ATTRIBUTES = new Set(
  'alt align border class colspan dir height href lang open rowspan scope span src start style title type valign width disabled checked'.split(' ')
);
const DROPPED_ELEMENTS =
  'audio,video,source,track,picture,iframe,frame,object,embed,applet,form,button,select,textarea,link,meta,base,style,script,template,noscript,svg,math,map,area,dialog,slot,portal';
const SAFE_IMAGE = /^data:image\/(png|jpeg|gif|webp|bmp|svg\+xml)[;,]/i;
const SAFE_LINK = /^(https?:|mailto:)/i;
const HOUSE_CLASS = /^(jp-|lm-|p-|agentnb|cm-editor)/;
const LOADING_VALUE = /url|image|element|src|\\/i;
const LAYOUT_PROPERTY = /^(position|z-index|inset|top|left|right|bottom|content|behavior|cursor|pointer-events)/;

export class StrictSanitizer implements IRenderMime.ISanitizer {
  #inner = new Sanitizer();

  sanitize(dirty: string, options?: IRenderMime.ISanitizerOptions): string {
    const page = new DOMParser().parseFromString(this.#inner.sanitize(dirty, options), 'text/html');
    for (const element of page.body.querySelectorAll(DROPPED_ELEMENTS)) element.remove();
    for (const element of page.body.querySelectorAll('*')) strip(element);
    return page.body.innerHTML;
  }
}

function strip(element: Element): void {
  for (const { name, value } of [...element.attributes]) {
    if (!KEPT_ATTRIBUTES.has(name) || !isSafe(name, value, element)) element.removeAttribute(name);
  }
  if (element instanceof HTMLInputElement) {
    if (element.type !== 'checkbox') element.remove();
  } else if (element instanceof HTMLImageElement && !element.hasAttribute('src')) {
    element.replaceWith(element.alt || '(an image from elsewhere is left out)');
  }
  if (element.hasAttribute('class')) stripClasses(element);
  if (element instanceof HTMLElement && element.hasAttribute('style')) stripStyle(element.style);
}

function isSafe(name: string, value: string, element: Element): boolean {
  if (name === 'src') return element instanceof HTMLImageElement && SAFE_IMAGE.test(value.trim());
  if (name === 'href') return SAFE_LINK.test(value.trim());
  return true;
}

function stripClasses(element: Element): void {
  for (const name of [...element.classList]) if (HOUSE_CLASS.test(name)) element.classList.remove(name);
}

function stripStyle(style: CSSStyleDeclaration): void {
  for (const property of [...style]) {
    const value = style.getPropertyValue(property);
    const isVariable = property.startsWith('--');
    if (isVariable || LOADING_VALUE.test(value) || LAYOUT_PROPERTY.test(property)) style.removeProperty(property);
  }
}
