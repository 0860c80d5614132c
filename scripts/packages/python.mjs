/** The packages for pip: the client, and the daemon with its program. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../sources.mjs'
import { copy, manifest, run, stage } from './staging.mjs'

/** Has to be on the machine; `EVO_TOKEN_PYTHON` names another one. */
export const PYTHON = process.env.EVO_TOKEN_PYTHON || 'python3'

export function packPython(to) {
  const daemon = stage('evo-token-daemon')
  cpSync(join(root, 'clients/python-daemon'), daemon, { recursive: true })
  const program = join(daemon, 'src/evo_token_daemon/program')
  copy(['package.json', ...manifest.files].filter(exists), program)
  return [join(root, 'clients/python'), daemon].map((source) => packWheel(source, to))
}

function packWheel(source, to) {
  // Where hatchling is installed it is used: else pip fetches it.
  const isolation = hasHatchling() ? ['--no-build-isolation'] : []
  const args = ['-m', 'pip', 'wheel', '--no-deps', ...isolation, '--wheel-dir', to, source]
  const [, file] = /filename=(\S+)/.exec(run(PYTHON, args)) ?? []
  if (file === undefined) throw new Error(`pip made no wheel of ${source}`)
  return file
}

function hasHatchling() {
  return spawnSync(PYTHON, ['-c', 'import hatchling']).status === 0
}

function exists(path) {
  return existsSync(join(root, path))
}
