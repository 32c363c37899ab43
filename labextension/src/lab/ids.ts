/** Names that others see: of the plugins, of their commands, of the side panel. */
export const MIME_TYPE = 'application/vnd.agentnb.run+json';
export const WIDGET_MIME_TYPE = 'application/vnd.jupyter.widget-view+json';

export const PLUGIN = '@agentnb/labextension:runs';
export const EDITOR_PLUGIN = '@agentnb/labextension:editor';

/** The class of what shows a run. */
export const OUTPUT = 'agentnb-output';

export const PANEL = 'agentnb-runs';

export const COMMANDS = {
  showRuns: 'agentnb:show-runs',
  stop: 'agentnb:stop-run',
  pause: 'agentnb:pause-run',
  resume: 'agentnb:resume-run',
  goTo: 'agentnb:go-to-run'
} as const;
