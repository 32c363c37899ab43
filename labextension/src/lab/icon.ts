import { LabIcon } from '@jupyterlab/ui-components';

/** A coordinator above two specialists. */
export const runsIcon = new LabIcon({
  name: 'agentnb:runs',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <circle cx="12" cy="5" r="3"/><circle cx="5" cy="18" r="3"/><circle cx="19" cy="18" r="3"/>
    <path d="M11 8v4H4v3h2v-1h12v1h2v-3h-7V8z"/>
  </g>
</svg>`
});
