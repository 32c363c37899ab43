/** The JupyterLab and Notebook 7 plugins; what they do is in the files around. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IConsoleTracker } from '@jupyterlab/console';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { openRecord } from './actions';
import { addCommands } from './commands';
import { editorPlugin } from './editor';
import { RunHub } from './hub';
import { COMMANDS, MIME_TYPE, PLUGIN } from './ids';
import { divideKeys } from './keys';
import { RunsPanel } from './panel';
import { Places } from './places';
import { LabRenderer } from './renderer';
import type { Services } from './runwidget';
import { RunWidget } from './runwidget';

/** Of the container that this runs in. */
declare function provide(plugins: readonly JupyterFrontEndPlugin<void>[]): void;

const FIRST = -100; // before ipywidgets: the bundle of a live run also holds a widget, for pages without this extension

const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'Draws runs of agents, live and from the notebook, and lists those of the kernel.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker, IConsoleTracker, ILabShell, ICommandPalette, IEditorLanguageRegistry],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    notebooks: INotebookTracker | null,
    consoles: IConsoleTracker | null,
    labShell: ILabShell | null,
    palette: ICommandPalette | null,
    languages: IEditorLanguageRegistry | null
  ) => {
    const services: Services = {
      hub: new RunHub(),
      places: new Places(notebooks, consoles),
      renderer: new LabRenderer(rendermime, languages),
      openRecord: record => void openRecord(app, rendermime, labShell !== null, record)
    };
    const createRenderer = (): RunWidget => new RunWidget(services);
    rendermime.addFactory({ safe: true, mimeTypes: [MIME_TYPE], createRenderer }, FIRST);

    const panel = new RunsPanel(runId => void app.commands.execute(COMMANDS.goTo, { run: runId }));
    app.shell.add(panel, 'left', { rank: 850, type: 'Runs of Agents' });
    notebooks?.currentChanged.connect((_, notebook) => panel.follow(notebook));
    services.hub.added.connect(() => panel.refresh());
    window.addEventListener('keydown', divideKeys, true);
    addCommands({ app, palette, ...services });
  }
};

provide([runsPlugin, editorPlugin]);
