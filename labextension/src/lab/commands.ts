/** What the palette and the keyboard can do with runs. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { Notification } from '@jupyterlab/apputils';
import { isFinal } from '../core/fold';
import { emptyRecord } from '../core/normal';
import type { Command } from '../core/protocol';
import type { RunHub } from './hub';
import { COMMANDS, PANEL } from './ids';
import { KernelLink } from './link';
import type { Places } from './places';
import { RunList } from './runlist';

const PATIENCE = 10_000; // ms for the kernel to list its runs

export interface Wiring {
  app: JupyterFrontEnd;
  palette: ICommandPalette | null;
  hub: RunHub;
  places: Places;
}

export function addCommands({ app, palette, hub, places }: Wiring): void {
  const add = (command: string, label: string, execute: () => unknown, isEnabled = () => true): void => {
    app.commands.addCommand(command, { label, execute, isEnabled });
    palette?.addItem({ command, category: 'Agents' });
  };
  const inNotebook = (): boolean => places.current !== null;
  const steer = (command: Command) => () => steerNewest(hub, places, command);
  add(COMMANDS.showRuns, 'Show the Runs of This Kernel', () => app.shell.activateById(PANEL));
  add(COMMANDS.stop, 'Stop the Newest Run', steer({ name: 'stop' }), inNotebook);
  add(COMMANDS.pause, 'Pause the Newest Run', steer({ name: 'pause' }), inNotebook);
  add(COMMANDS.resume, 'Resume the Newest Run', steer({ name: 'resume' }), inNotebook);
  app.commands.addCommand(COMMANDS.goTo, {
    label: "Go to the Run's Cell",
    execute: args => places.show(String(args['run']), id => app.shell.activateById(id))
  });
}

/** Sends `command` to the newest run of the current notebook's kernel that goes on. */
async function steerNewest(hub: RunHub, places: Places, command: Command): Promise<void> {
  const kernel = places.current?.sessionContext.session?.kernel;
  if (!kernel) return;
  const link = KernelLink.of(kernel);
  const runId = await newestLive(link);
  if (runId === null) {
    Notification.info('No run goes on in this kernel.', { autoClose: 3000 });
    return;
  }
  const run = hub.acquire(link, { ...emptyRecord(), run_id: runId });
  try {
    await run.connect(null);
    const reply = await run.command(command);
    Notification.emit(reply.text, reply.ok ? 'info' : 'warning', { autoClose: 5000 });
  } finally {
    hub.release(run);
  }
}

async function newestLive(link: KernelLink): Promise<string | null> {
  const list = new RunList(link);
  try {
    await new Promise<void>(resolve => {
      list.changed.connect(() => resolve());
      setTimeout(resolve, PATIENCE);
      void list.open();
    });
    return list.entries?.find(entry => !isFinal(entry.status))?.run_id ?? null;
  } finally {
    list.dispose();
  }
}
