/** What all packages use: the manifest, and an empty directory to put each together in. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../sources.mjs'

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The web address of the sources. */
export const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '')

/** An empty directory. */
export function stage(name) {
  const directory = join(root, 'build/staging', name)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  return directory
}

/** Copies files and directories of the checkout, links followed, to the same places in `directory`. */
export function copy(paths, directory) {
  for (const path of paths) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    cpSync(join(root, path), join(directory, path), { recursive: true, dereference: true })
  }
}

/** Runs a program, and returns what it prints. @throws where it fails. */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    ...options,
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}
