/** What the page around a view lends it: JupyterLab its renderers, every other page the sanitizing fallback. */
import type { Command, Reply } from './protocol';

export type MimeBundle = Record<string, unknown>;

/** Draws foreign content into an element. Everything it is given is untrusted, wherever it came from. */
export interface Renderer {
  /** A MIME bundle, as an output of the notebook would be drawn. */
  bundle(data: MimeBundle, element: HTMLElement): void | Promise<void>;
  markdown(text: string, element: HTMLElement): void | Promise<void>;
  /** Highlighted Python. */
  code(text: string, element: HTMLElement): void | Promise<void>;
}

/** What can be done with a run from here; what is missing here is not offered. */
export interface Actions {
  /** Tells the kernel something; resolves to its answer. Missing where no kernel holds the run. */
  command?(command: Command): Promise<Reply>;
  /** Puts notebook cells below the run's cell. Missing where the host has no notebook to write to. */
  insertCells?(cells: NotebookCell[]): void;
  /** Opens or saves the record's JSON. */
  openRecord?(): void;
}

/** A cell in nbformat's form, as far as it is needed. */
export interface NotebookCell {
  cell_type: 'code' | 'markdown' | 'raw';
  source: string;
}
