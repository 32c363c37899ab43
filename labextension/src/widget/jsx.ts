/** What JSX becomes in the widget's bundle: smaller than the runtime that modules import by themselves. */
export { Fragment, h } from 'preact';
