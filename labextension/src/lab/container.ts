/**
 * What JupyterLab loads of an extension: a container as Module Federation has it, of which JupyterLab uses `init` and `get`.
 *
 * The builder's own runtime for this is 6 kB compressed, for what these lines do.
 */

/** One version of a package that JupyterLab, or another extension, shares. */
interface Offer {
  get(): Promise<() => unknown>;
  loaded?: boolean | number;
}

type Scope = Record<string, Record<string, Offer>>;

/** Put in by the build: the extension, which requires packages and provides plugins, their names, and its style sheet. */
declare function extension(require: (name: string) => unknown, provide: (plugins: unknown) => void): void;
declare const NAME: string;
declare const SHARED: readonly string[];
declare const STYLE: string;

let scope: Scope = {};

/** The package that is in use already, or else the newest on offer: two copies of one would not know each other's tokens. */
async function take(name: string): Promise<unknown> {
  const offers = Object.values(scope[name] ?? {});
  const offer = offers.find(each => each.loaded) ?? offers.at(-1);
  if (!offer) throw new Error(`${NAME} needs ${name}, which this JupyterLab does not share: type pip install -U jupyterlab`);
  offer.loaded = 1;
  return (await offer.get())();
}

const container = {
  init(offered: Scope): void {
    scope = offered;
  },
  async get(): Promise<() => object> {
    const packages = new Map(await Promise.all(SHARED.map(async name => [name, await take(name)] as const)));
    document.head.append(Object.assign(document.createElement('style'), { textContent: STYLE }));
    const exports = { __esModule: true, default: [] as unknown };
    extension(name => packages.get(name), plugins => void (exports.default = plugins));
    return () => exports;
  }
};

((globalThis as { _JUPYTERLAB?: Record<string, typeof container> })._JUPYTERLAB ??= {})[NAME] = container;
