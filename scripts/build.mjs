/**
 * Makes `dist/`, which is what ships: all that a command needs, without a package to install.
 *
 *     main.js       the program: one CommonJS file, which holds `get APP` and imports the rest
 *     *.mjs         the other commands and the daemon, split so that each loads what it needs
 *     client.mjs    `evo-token-sidecar/client`, with its types beside it
 *     web/          the page, which the daemon shows to a browser
 *     keytar/       keytar and its binaries: as a dependency its install script would run
 *     NOTICES.txt   what else is in these files, and under which licence
 *
 * It checks no types: `npm run check` does.
 */
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { bundlePage } from './bundle-page.mjs'
import { writeClientTypes } from './client-types.mjs'
import { noticesOf } from './notices.mjs'
import { partsOfExpress, partsOfPromClient, partsOfUndici } from './parts-of-libraries.mjs'
import { root, sources } from './sources.mjs'

const dist = join(root, 'dist')

/** Names are kept for bug reports. V8 needs half the memory for a file that is all ASCII. */
const minify = {
  compress: { keepNames: { function: true, class: true } },
  mangle: false,
  codegen: { removeWhitespace: true, asciiOnly: true, legalComments: 'none' },
}

rmSync(dist, { recursive: true, force: true })
const { entries, ...program } = await buildProgram()
const bundles = [
  program,
  await buildCommands(entries),
  await buildClient(),
  await bundlePage(join(dist, 'web')),
]
cpSync(join(root, 'node_modules/keytar/lib/keytar.js'), join(dist, 'keytar/keytar.js'))
cpSync(join(root, 'node_modules/keytar/prebuilds'), join(dist, 'keytar/prebuilds'), {
  recursive: true,
})
chmodSync(join(dist, 'main.js'), 0o755)
// Node reads `.js` in here, unlike our sources, as CommonJS.
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n')
writeClientTypes(dist)
const files = bundles.flatMap(({ output }) => output.flatMap(({ moduleIds = [] }) => moduleIds))
writeFileSync(
  join(dist, 'NOTICES.txt'),
  noticesOf([...files, join(root, 'node_modules/keytar/lib/keytar.js')]),
)

/** Builds the program. Each of its dynamic imports becomes an entry of the other bundle. */
async function buildProgram() {
  const entries = {}
  const importsTheRest = {
    name: 'imports-the-rest',
    async resolveId(source, importer, { kind }) {
      if (kind !== 'dynamic-import') return undefined
      const { id } = await this.resolve(source, importer, { skipSelf: true })
      const name = entryName(id)
      entries[name] = id
      return { id: `./${name}.mjs`, external: true }
    },
  }
  const bundle = await rolldown({ ...sources, input: 'src/main.ts', plugins: [importsTheRest] })
  const file = join(dist, 'main.js')
  const { output } = await bundle.write({ file, format: 'cjs', codeSplitting: false, minify })
  return { entries, output }
}

async function buildCommands(entries) {
  // Tests import `daemon.mjs` to start the daemon with parts of its world replaced.
  const input = Object.fromEntries(
    // They were found in no certain order, which would be that of imports, too: the same sources make the same files.
    Object.entries({ ...entries, daemon: 'src/cli/serve.ts' }).sort(([one], [other]) =>
      one < other ? -1 : 1,
    ),
  )
  const plugins = [partsOfUndici, partsOfExpress, partsOfPromClient]
  const bundle = await rolldown({ ...sources, input, plugins })
  const names = { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' }
  return bundle.write({ dir: dist, ...names, minify })
}

async function buildClient() {
  const bundle = await rolldown({ ...sources, input: 'src/client/index.ts' })
  const file = join(dist, 'client.mjs')
  return bundle.write({ file, codeSplitting: false, minify })
}

function entryName(id) {
  return relative(join(root, 'src'), id).replace(/\.ts$/, '').replaceAll(/[/\\]/g, '-')
}
