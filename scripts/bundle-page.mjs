/** Bundles the page into `dist/web`: one script and one style, with everything that they need. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './sources.mjs'

const STYLES = ['node_modules/uplot/dist/uPlot.min.css', 'src/web/page.css']

export async function bundlePage(directory) {
  const page = await rolldown({
    cwd: root,
    input: 'src/web/page.ts',
    platform: 'browser',
    logLevel: 'warn',
    transform: { target: ['chrome111', 'firefox115', 'safari16.4'] },
  })
  // The document names the hash of one script.
  const made = await page.write({
    dir: directory,
    minify: true,
    format: 'esm',
    codeSplitting: false,
  })
  const styles = STYLES.map((path) => readFileSync(join(root, path), 'utf8'))
  writeFileSync(join(directory, 'page.css'), styles.join('\n'))
  return made
}
