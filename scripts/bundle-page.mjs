/** Bundles the page into `dist/web`: one script and one style, with everything that they need. */
import { build } from 'esbuild'

await build({
  entryPoints: ['src/web/page.ts', 'src/web/page.css'],
  entryNames: '[name]',
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome111', 'firefox115', 'safari16.4'],
  legalComments: 'linked',
  logLevel: 'warning',
  outdir: 'dist/web',
})
