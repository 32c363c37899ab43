/**
 * `node esbuild.mjs lab`: the extension, in the form that JupyterLab loads. `node esbuild.mjs widget`: the anywidget's files.
 * `node esbuild.mjs tests`: the unit tests, for `node --test`.
 */
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { minify } from 'terser';
import { lean } from './lean.mjs';

const LAB = '../agentnb/labextension';
const STATIC = '../agentnb/static';
const TESTS = 'build/tests';
const LARGEST = 40_000; // bytes, gzipped: every widget in a notebook sends its script whole

const SMALL = {
  bundle: true,
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  metafile: true,
  write: false,
  tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment' } },
  inject: ['src/widget/jsx.ts'],
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [lean]
};

async function lab() {
  const about = JSON.parse(readFileSync('package.json', 'utf8'));
  const external = ['@jupyterlab/*', '@lumino/*', '@codemirror/*'];
  const plugins = await build({ ...SMALL, format: 'cjs', entryPoints: ['src/lab/index.ts'], external });
  const shared = Object.values(plugins.metafile.outputs)[0].imports.map(each => each.path);
  const { text } = plugins.outputFiles[0];
  const container = await build({
    ...SMALL,
    format: 'iife',
    entryPoints: ['src/lab/container.ts'],
    inject: [],
    banner: { js: `(()=>{function extension(require,provide){${text}}` },
    footer: { js: '})()' },
    define: {
      NAME: JSON.stringify(about.name),
      SHARED: JSON.stringify([...new Set(shared)]),
      STYLE: JSON.stringify(await style(['style/index.css', 'style/panel.css']))
    }
  });
  const script = await shrunk('the extension', container.outputFiles[0].text);
  const load = `static/remoteEntry.${createHash('sha256').update(script).digest('hex').slice(0, 16)}.js`;
  const schemas = `${LAB}/schemas/${about.name}`;
  rmSync(LAB, { recursive: true, force: true });
  cpSync('schema', schemas, { recursive: true });
  cpSync('package.json', `${schemas}/package.json.orig`);
  mkdirSync(`${LAB}/static`);
  writeFileSync(`${LAB}/${load}`, script);
  writeFileSync(`${LAB}/static/third-party-licenses.json`, licenses(plugins.metafile));
  about.jupyterlab._build = { load, extension: './extension' };
  writeFileSync(`${LAB}/package.json`, JSON.stringify(about, null, 2));
}

async function widget() {
  const { outputFiles, metafile } = await build({ ...SMALL, format: 'esm', entryPoints: ['src/widget/index.ts'] });
  const script = await shrunk('the widget', outputFiles[0].text);
  rmSync(STATIC, { recursive: true, force: true });
  mkdirSync(STATIC);
  writeFileSync(`${STATIC}/widget.js`, script);
  writeFileSync(`${STATIC}/widget.css`, await style(['style/index.css']));
  writeFileSync(`${STATIC}/third-party-licenses.json`, licenses(metafile));
}

async function style(files) {
  const contents = files.map(file => `@import './${file}';`).join('\n');
  const { outputFiles } = await build({ bundle: true, minify: true, write: false, stdin: { contents, loader: 'css', resolveDir: '.' } });
  return outputFiles[0].text;
}

/** Terser makes it 3% smaller than esbuild alone; what is too large is not built. */
async function shrunk(what, script) {
  const { code } = await minify(script, { module: true, ecma: 2022, compress: { passes: 3, pure_getters: true } });
  const size = gzipSync(code, { level: 9 }).length;
  console.log(`${what}: ${code.length} bytes, ${size} gzipped`);
  if (size > LARGEST) throw new Error(`${what} is larger than ${LARGEST} bytes gzipped`);
  return code;
}

/** The licences of the packages that are in the bundle, as JupyterLab lists them. */
function licenses({ inputs }) {
  const found = Object.keys(inputs).map(path => path.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
  const packages = [...new Set(found)].filter(Boolean).map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each));
    return { name, versionInfo: version, licenseId: license, extractedText: file ? readFileSync(`${folder}/${file}`, 'utf8') : '' };
  });
  return JSON.stringify({ packages }, null, 2);
}

async function tests() {
  rmSync(TESTS, { recursive: true, force: true });
  const files = readdirSync('tests', { recursive: true }).filter(name => /\.test\.tsx?$/.test(name));
  await build({
    entryPoints: files.map(name => `tests/${name}`),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    sourcemap: 'inline',
    outdir: TESTS,
    outExtension: { '.js': '.mjs' },
    logLevel: 'warning'
  });
}

await { lab, widget, tests }[process.argv[2]]();
