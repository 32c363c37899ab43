/** The output of a `%%agents` cell: the record at once, and live as soon as a kernel says that it holds the run. */
import type { ISessionContext } from '@jupyterlab/apputils';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { isFinal } from '../core/fold';
import type { Actions, Renderer } from '../core/host';
import { isObject, readRecord } from '../core/normal';
import type { RunRecord } from '../core/record';
import { RunStore } from '../core/store';
import type { MountedView } from '../runview';
import { mountRunView } from '../runview';
import { insertCells } from './actions';
import { RunHub } from './hub';
import { MIME_TYPE, OUTPUT, WIDGET_MIME_TYPE } from './ids';
import { Keeper } from './keeper';
import { KernelLink } from './link';
import type { LiveRun } from './liverun';
import type { Place, Places } from './places';
import { saveAtStart } from './saving';
import { isEdited } from './seal';

const KERNEL_PATIENCE = 15_000; // ms in which a kernel has to turn up, until a run that looks alive counts as crashed

export interface Services {
  hub: RunHub;
  places: Places;
  renderer: Renderer;
  openRecord(record: RunRecord): void;
}

export class RunWidget extends Widget implements IRenderMime.IRenderer {
  #services: Services;
  #model: IRenderMime.IMimeModel | null = null;
  /** As the notebook has it. */
  #record: RunRecord | null = null;
  #store: RunStore | null = null;
  #edited = false;
  #view: MountedView | null = null;
  #place: Place | null = null;
  #run: LiveRun | null = null;
  #keeper: Keeper | null = null;
  #deadline: ReturnType<typeof setTimeout> | null = null;

  constructor(services: Services) {
    super();
    this.#services = services;
    this.addClass(OUTPUT);
    this.node.addEventListener('pointerenter', this.#connect);
    this.node.addEventListener('focusin', this.#connect);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#model = model;
    const record = (this.#record = readRecord(model.data[MIME_TYPE]));
    void this.#compare(model);
    const shown = this.#store?.record;
    if (shown === undefined || shown.run_id !== record.run_id) {
      this.#letGo();
      this.#show(new RunStore(record));
    } else if (record.seq > shown.seq) {
      this.#store?.reset(record);
    }
    this.#find();
  }

  /** Whether somebody changed the record since the run, by the seal beside it. */
  async #compare({ data, metadata }: IRenderMime.IMimeModel): Promise<void> {
    this.#edited = await isEdited(data[MIME_TYPE], metadata[MIME_TYPE]);
    this.#view?.update({ edited: this.#edited });
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#letGo();
    this.#view?.dispose();
    super.dispose();
  }

  protected override onAfterAttach(): void {
    this.#find();
  }

  /** Looks for the kernel, now and whenever the notebook gets another one. */
  #find(): void {
    const record = this.#record;
    if (record === null || !this.isAttached || this.isDisposed) return;
    if (this.#place === null) {
      this.#place = this.#services.places.of(this.node, record.run_id);
      this.#place?.context.kernelChanged.connect(this.#onKernel, this);
      this.#place?.context.connectionStatusChanged.connect(this.#onConnection, this);
    }
    if (isFinal(record.status)) return;
    this.#deadline ??= setTimeout(() => this.#givesUp(), KERNEL_PATIENCE);
    this.#connect();
  }

  /** A run that ended is asked for only when somebody turns to it: most of them no kernel knows any more. */
  #connect = (): void => {
    const kernel = this.#place?.context.session?.kernel;
    if (!kernel || this.#run !== null || this.#record === null || kernel.connectionStatus !== 'connected') return;
    const run = this.#services.hub.acquire(KernelLink.of(kernel), this.#record);
    this.#run = run;
    run.holdingChanged.connect(this.#onHolding, this);
    this.#show(run.store);
    const widget = this.#model?.data[WIDGET_MIME_TYPE];
    void run.connect(isObject(widget) && typeof widget['model_id'] === 'string' ? widget['model_id'] : null);
    if (run.holding !== 'asking') this.#onHolding();
  };

  #onHolding(): void {
    if (this.#run === null || this.#model === null) return;
    const held = this.#run.holding === 'held';
    if (held) {
      this.#clearDeadline();
      if (this.#place?.panel) saveAtStart(this.#place.panel, this.#run);
      this.#keeper ??= new Keeper(this.#run, this.#model);
    }
    this.#view?.update({ actions: this.#actions(), live: held });
  }

  #onKernel(context: ISessionContext): void {
    if (this.#run !== null && context.session?.kernel !== this.#run.link.kernel) this.#release();
    this.#find();
  }

  #onConnection(): void {
    this.#find();
  }

  #givesUp(): void {
    this.#deadline = null;
    if (this.#run === null) this.#store?.gone('No kernel is here that runs it.');
  }

  #show(store: RunStore): void {
    if (this.#store === store) return;
    this.#store = store;
    this.#view?.dispose();
    this.#view = mountRunView(this.node, store, {
      renderer: this.#services.renderer,
      actions: this.#actions(),
      live: this.#run?.holding === 'held',
      edited: this.#edited
    });
  }

  #actions(): Actions {
    const actions: Actions = { openRecord: () => this.#store && this.#services.openRecord(this.#store.record) };
    const run = this.#run;
    const panel = this.#place?.panel;
    if (run !== null && run.holding === 'held') actions.command = command => run.command(command);
    if (panel && !panel.context.model.readOnly) {
      actions.insertCells = cells => insertCells(panel, this.#store?.record.run_id ?? '', cells);
    }
    return actions;
  }

  #letGo(): void {
    this.#release();
    this.#place?.context.kernelChanged.disconnect(this.#onKernel, this);
    this.#place?.context.connectionStatusChanged.disconnect(this.#onConnection, this);
    this.#place = null;
    this.#clearDeadline();
  }

  #release(): void {
    this.#keeper?.dispose();
    this.#keeper = null;
    if (this.#run === null) return;
    this.#run.holdingChanged.disconnect(this.#onHolding, this);
    this.#services.hub.release(this.#run);
    this.#run = null;
  }

  #clearDeadline(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
  }
}
