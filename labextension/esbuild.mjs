/** `node esbuild.mjs widget`: the anywidget's files, whole and small. `node esbuild.mjs tests`: the unit tests, for `node --test`. */
import { build } from 'esbuild';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { minify } from 'terser';

const STATIC = '../agentnb/static';
const TESTS = 'build/tests';

async function widget() {
  rmSync(STATIC, { recursive: true, force: true });
  await build({
    entryPoints: [
      { in: 'src/widget/index.ts', out: 'widget' },
      { in: 'style/index.css', out: 'widget' }
    ],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    outdir: STATIC,
    tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment' } },
    inject: ['src/widget/jsx.ts'],
    define: { 'process.env.NODE_ENV': '"production"' }
  });
  // each widget in a notebook sends this script whole; terser makes it 3% smaller than esbuild alone
  const { code = '' } = await minify(readFileSync(`${STATIC}/widget.js`, 'utf8'), { module: true, ecma: 2022, compress: { passes: 3 } });
  writeFileSync(`${STATIC}/widget.js`, code);
  console.log(`widget.js ${code.length} bytes, ${gzipSync(code, { level: 9 }).length} gzipped`);
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

await { widget, tests }[process.argv[2] ?? 'widget']();
