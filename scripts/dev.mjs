// Serves from build/dev, a home of its own: your daemon's keychain, state and socket stay untouched.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const home = join(root, 'build', 'dev')
const config = join(home, 'config.json')
const environment = {
  ...process.env,
  EVO_TOKEN_CONFIG: config,
  EVO_TOKEN_STATE_DIR: join(home, 'state'),
  EVO_TOKEN_RUNTIME_DIR: join(home, 'run'),
}

const first = ['--yes', '--vault-key', 'file', '--type', 'native', '--name', 'evo-me']
const made = existsSync(config) || run('init', ...first, '--client-id', 'native-your-client-id')
if (made) run('serve')

function run(...args) {
  const { status } = spawnSync(process.execPath, [join(root, 'dist', 'main.js'), ...args], {
    env: environment,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
  return status === 0
}
