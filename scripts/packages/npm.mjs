/** The packages for npm. */
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../sources.mjs'
import { manifest, run, stage } from './staging.mjs'

/** The daemon and the command line, with the client. */
export function packProgram(to) {
  return [pack(root, to)]
}

/** The client alone. */
export function packClient(to) {
  const directory = stage('evo-token-client')
  const source = join(root, 'clients/javascript')
  const { version, license, author, repository, engines } = manifest
  const own = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  const whole = { ...own, version, license, author, repository, engines }
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(whole, undefined, 2)}\n`)
  copyFileSync(join(source, 'README.md'), join(directory, 'README.md'))
  copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE'))
  const files = readdirSync(join(root, 'dist'))
  for (const file of files.filter((name) =>
    /^client(-[\w-]+\.d\.mts|\.d\.mts|\.mjs)$/.test(name),
  )) {
    copyFileSync(join(root, 'dist', file), join(directory, file))
  }
  return [pack(directory, to)]
}

/** Without `prepack`, which would build again. */
function pack(directory, to) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', to]
  const [{ filename }] = JSON.parse(run('npm', args, { cwd: directory }))
  return filename
}
