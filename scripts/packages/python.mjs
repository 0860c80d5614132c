/** The packages for pip: the client, and the daemon with its program. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../sources.mjs'
import { copy, manifest, repository, run, stage } from './staging.mjs'

/** The Python that builds the wheels; `EVO_TOKEN_PYTHON` names another one. */
export const PYTHON = process.env.EVO_TOKEN_PYTHON || 'python3'

export function packPython(to) {
  const client = stageProject('clients/python')
  const daemon = stageProject('clients/python-daemon')
  const program = join(daemon, 'src/evo_token_daemon/program')
  copy(['package.json', ...manifest.files].filter(exists), program)
  return [client, daemon].map((source) => packWheel(source, to))
}

/** Copies a project, and adds the licence and the repository's address. */
function stageProject(path) {
  const directory = stage(path)
  cpSync(join(root, path), directory, {
    recursive: true,
    filter: (file) => !file.endsWith('__pycache__'),
  })
  copy(['LICENSE'], directory)
  const urls = `\n[project.urls]\nRepository = "${repository}"\n`
  appendFileSync(join(directory, 'pyproject.toml'), urls)
  return directory
}

function packWheel(source, to) {
  // An installed hatchling is used; else pip downloads it.
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
