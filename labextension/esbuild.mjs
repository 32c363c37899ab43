/**
 * `node esbuild.mjs lab`: the extension as one small module, which jupyter-builder ties to what JupyterLab shares.
 * `node esbuild.mjs widget`: the anywidget's files, whole. `node esbuild.mjs tests`: the unit tests, for `node --test`.
 */
import { build } from 'esbuild';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { minify } from 'terser';

const LIB = 'lib';
const STATIC = '../agentnb/static';
const TESTS = 'build/tests';

const SMALL = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment' } },
  inject: ['src/widget/jsx.ts'],
  define: { 'process.env.NODE_ENV': '"production"' }
};

async function lab() {
  rmSync(LIB, { recursive: true, force: true });
  await build({
    ...SMALL,
    entryPoints: ['src/lab/index.ts'],
    external: ['@jupyterlab/*', '@lumino/*', '@codemirror/*'],
    outdir: LIB,
    banner: { js: "import './index.css';" }
  });
  await shrink(`${LIB}/index.js`);
}

async function widget() {
  rmSync(STATIC, { recursive: true, force: true });
  await build({
    ...SMALL,
    entryPoints: [
      { in: 'src/widget/index.ts', out: 'widget' },
      { in: 'style/index.css', out: 'widget' }
    ],
    outdir: STATIC
  });
  await shrink(`${STATIC}/widget.js`); // each widget in a notebook sends this script whole
}

/** Terser makes it 3% smaller than esbuild alone. */
async function shrink(file) {
  const options = { module: true, ecma: 2022, compress: { passes: 3 } };
  const { code = '' } = await minify(readFileSync(file, 'utf8'), options);
  writeFileSync(file, code);
  console.log(`${file}: ${code.length} bytes, ${gzipSync(code, { level: 9 }).length} gzipped`);
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
