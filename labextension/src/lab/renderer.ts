/** Foreign content as JupyterLab draws an untrusted cell's output, but by renderers that reach nothing outside of it. */
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import {
  errorRendererFactory,
  htmlRendererFactory,
  imageRendererFactory,
  latexRendererFactory,
  markdownRendererFactory,
  MimeModel,
  RenderMimeRegistry,
  textRendererFactory
} from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import type { MimeBundle, Renderer } from '../core/host';
import { textOf } from '../core/normal';
import { StrictSanitizer } from './sanitizer';

const SVG = 'image/svg+xml';
const FACTORIES = [
  htmlRendererFactory,
  markdownRendererFactory,
  latexRendererFactory,
  imageRendererFactory,
  errorRendererFactory,
  textRendererFactory
];

export class LabRenderer implements Renderer {
  #rendermime: RenderMimeRegistry;
  #languages: IEditorLanguageRegistry | null;
  #drawn = new WeakMap<HTMLElement, Widget>();
  #newest = new WeakMap<HTMLElement, object>();

  /** Of `rendermime` only what sets type is taken: other extensions' renderers may load what a record names. */
  constructor(rendermime: IRenderMimeRegistry, languages: IEditorLanguageRegistry | null) {
    this.#languages = languages;
    const { latexTypesetter, markdownParser } = rendermime;
    this.#rendermime = new RenderMimeRegistry({
      initialFactories: FACTORIES,
      sanitizer: new StrictSanitizer(),
      ...(latexTypesetter && { latexTypesetter }),
      ...(markdownParser && { markdownParser })
    });
  }

  async bundle(data: MimeBundle, element: HTMLElement): Promise<void> {
    if (SVG in data) return this.#picture(textOf(data[SVG]), textOf(data['text/plain']), element);
    await this.#draw(data, element);
  }

  async markdown(text: string, element: HTMLElement): Promise<void> {
    await this.#draw({ 'text/markdown': text }, element);
  }

  async code(text: string, element: HTMLElement): Promise<void> {
    const isNewest = this.#begin(element);
    const drawn = document.createElement('pre');
    const python = this.#languages?.findByName('python') ?? null;
    if (this.#languages) await this.#languages.highlight(text, python, drawn);
    else drawn.textContent = text;
    if (isNewest()) element.replaceChildren(drawn);
  }

  /** An image cannot run scripts or load anything, as an `<svg>` element in the page could. */
  #picture(svg: string, alt: string, element: HTMLElement): void {
    this.#begin(element)();
    const image = document.createElement('img');
    image.alt = alt;
    image.src = `data:${SVG};charset=utf-8,${encodeURIComponent(svg)}`;
    element.replaceChildren(image);
  }

  async #draw(data: MimeBundle, element: HTMLElement): Promise<void> {
    const isNewest = this.#begin(element);
    const bundle = data as ReadonlyPartialJSONObject;
    const mimeType = this.#rendermime.preferredMimeType(bundle, 'ensure');
    if (mimeType === undefined) {
      element.textContent = '(this cannot be shown here)';
      return;
    }
    const widget = this.#rendermime.createRenderer(mimeType);
    await widget.renderModel(new MimeModel({ data: { [mimeType]: textOf(data[mimeType]) }, trusted: false }));
    // of text that says `data:` JupyterLab makes a link, after the sanitizer
    for (const link of widget.node.querySelectorAll('a[href^="data:" i]')) link.removeAttribute('href');
    if (!isNewest()) return widget.dispose();
    this.#drawn.set(element, widget);
    attach(widget, element);
  }

  /** Lets go of what was drawn in `element`; the answer is false as soon as something newer is drawn there. */
  #begin(element: HTMLElement): () => boolean {
    const former = this.#drawn.get(element);
    this.#drawn.delete(element);
    const token = {};
    this.#newest.set(element, token);
    if (former === undefined) return () => this.#newest.get(element) === token;
    return () => {
      if (this.#newest.get(element) !== token) return false;
      former.dispose();
      return true;
    };
  }
}

/** Attached in Lumino's sense, or math stays as it was typed. */
function attach(widget: Widget, element: HTMLElement): void {
  element.replaceChildren();
  if (element.isConnected) {
    Widget.attach(widget, element);
    return;
  }
  element.append(widget.node);
  requestAnimationFrame(() => {
    if (element.isConnected && !widget.isDisposed && widget.node.parentElement === element) {
      widget.node.remove();
      Widget.attach(widget, element);
    }
  });
}
