// Runs the built program with its files in build/dev and on a free port: your own daemon, its keychain, state and sockets
// stay untouched. `npm run dev` serves; `npm run dev -- login evo-me` and other commands go to that daemon, from another terminal.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const home = join(root, 'build', 'dev')
const config = join(home, 'config.json')

// Variables that lead commands to another daemon are left out.
const others = Object.entries(process.env).filter(([name]) => !name.startsWith('EVO_TOKEN_'))
const environment = {
  ...Object.fromEntries(others),
  EVO_TOKEN_CONFIG: config,
  EVO_TOKEN_STATE_DIR: join(home, 'state'),
  EVO_TOKEN_RUNTIME_DIR: join(home, 'run'),
}

if (existsSync(config) || init()) run(process.argv.length > 2 ? process.argv.slice(2) : ['serve'])

function init() {
  const app = ['--name', 'evo-me', '--type', 'native', '--client-id', 'native-your-client-id']
  if (!run(['init', '--yes', '--vault-key', 'file', ...app])) return false
  const made = JSON.parse(readFileSync(config, 'utf8'))
  writeFileSync(config, JSON.stringify({ ...made, listen: { port: 0 } }, undefined, 2))
  return true
}

function run(args) {
  const { status } = spawnSync(process.execPath, [join(root, 'dist', 'main.js'), ...args], {
    env: environment,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
  return status === 0
}
