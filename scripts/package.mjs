/**
 * `npm run package [-- NAME … --with-node --to DIRECTORY]`: makes what can be installed, in `build/packages/`:
 *
 *     npm       evo-token-sidecar-VERSION.tgz     the daemon and the command line
 *     client    evo-token-client-VERSION.tgz      the client alone, for npm
 *     python    evo_token-VERSION-….whl, evo_token_daemon-VERSION-….whl
 *     deb       evo-token_VERSION_amd64.deb       for machines; with --with-node it carries a Node
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { packDeb } from './packages/deb.mjs'
import { packClient, packProgram } from './packages/npm.mjs'
import { packPython } from './packages/python.mjs'
import { root } from './sources.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'with-node': { type: 'boolean', default: false },
    to: { type: 'string', default: 'build/packages' },
  },
})
const makers = {
  npm: packProgram,
  client: packClient,
  python: packPython,
  deb: (to) => packDeb(to, { withNode: values['with-node'] }),
}

const to = resolve(root, values.to)
mkdirSync(to, { recursive: true })
for (const name of positionals.length > 0 ? positionals : Object.keys(makers)) {
  const maker = makers[name]
  if (!maker) throw new Error(`there is no package "${name}": ${Object.keys(makers).join(', ')}`)
  for (const file of maker(to)) console.log(join(values.to, file))
}
