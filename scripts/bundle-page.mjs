// Bundles the page into dist/web: one script and one style, with everything that they need.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const to = join(root, 'dist/web')

const page = await rolldown({
  cwd: root,
  input: 'src/web/page.ts',
  platform: 'browser',
  logLevel: 'warn',
  transform: { target: ['chrome111', 'firefox115', 'safari16.4'] },
})
await page.write({ dir: to, minify: true, format: 'esm' })

mkdirSync(to, { recursive: true })
const styles = ['node_modules/uplot/dist/uPlot.min.css', 'src/web/page.css']
writeFileSync(
  join(to, 'page.css'),
  styles.map((path) => readFileSync(join(root, path), 'utf8')).join('\n'),
)
