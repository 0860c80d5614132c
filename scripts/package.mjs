/**
 * `npm run package [-- NAME … --with-node --to DIRECTORY]`: makes what can be installed, in `build/packages/`:
 *
 *     npm       evo-token-sidecar-VERSION.tgz     the daemon and the command line
 *     client    evo-token-client-VERSION.tgz      the client alone, for npm
 *     python    evo_token-VERSION-….whl, evo_token_daemon-VERSION-….whl
 *     deb       evo-token_VERSION_amd64.deb       for machines; with --with-node it carries a Node
 *
 * Where none is named, those are left out for which this machine lacks a program.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { packDeb } from './packages/deb.mjs'
import { packClient, packProgram } from './packages/npm.mjs'
import { packPython, PYTHON } from './packages/python.mjs'
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

const needed = { python: [PYTHON, '-m', 'pip'], deb: ['dpkg-deb'] }

const to = resolve(root, values.to)
mkdirSync(to, { recursive: true })
for (const name of positionals.length > 0 ? positionals : Object.keys(makers)) {
  const maker = makers[name]
  if (!maker) throw new Error(`there is no package "${name}": ${Object.keys(makers).join(', ')}`)
  const [program, ...args] = needed[name] ?? []
  if (positionals.length === 0 && program && !runs(program, args)) {
    console.error(
      `Left out: ${name}, which needs \`${[program, ...args].join(' ')}\` on this machine.`,
    )
    continue
  }
  for (const file of maker(to)) console.log(join(values.to, file))
}

function runs(program, args) {
  return spawnSync(program, [...args, '--version']).status === 0
}
