/** The plugin that lets code cells' editors read `%%agents` cells. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { Text } from '@codemirror/state';
import { EDITOR_PLUGIN } from './ids';
import { agentsExtension } from './language';

export const editorPlugin: JupyterFrontEndPlugin<void> = {
  id: EDITOR_PLUGIN,
  description: 'Colours %%agents cells as what they are.',
  autoStart: true,
  requires: [IEditorExtensionRegistry],
  activate: (_: JupyterFrontEnd, extensions: IEditorExtensionRegistry) => {
    extensions.addExtension({
      name: 'agentnb:agents-cell',
      factory: ({ model }) =>
        isCodeCell(model)
          ? EditorExtensionRegistry.createImmutableExtension(
              agentsExtension(Text.of(model.sharedModel.getSource().split('\n')))
            )
          : null
    });
  }
};

function isCodeCell(model: CodeEditor.IModel): boolean {
  return 'type' in model && model.type === 'code';
}
