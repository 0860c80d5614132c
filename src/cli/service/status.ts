/** `service status`: what systemd says of the service, and what the daemon says itself. */
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { findManager, installedUnit, UNITS } from './manager.ts'
import { inWords, readiness } from './waiting.ts'

/** The exit code of a daemon that is not reachable. */
const NOT_REACHABLE = 4

const PROPERTIES = [
  'ActiveState',
  'SubState',
  'ActiveEnterTimestamp',
  'MainPID',
  'NRestarts',
  'Result',
  'StatusText',
]

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  if (process.platform === 'darwin') return (await import('./launch-agent.ts')).status(invocation)
  const manager = await findManager(invocation)
  const shown = await manager.run('show', `--property=${PROPERTIES.join(',')}`, 'evo-token.service')
  const unit = Object.fromEntries(
    shown
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  ) as Readonly<Record<string, string>>
  const files = UNITS.map((name) => installedUnit(manager, name)).map(
    ({ path, text, changedByHand }) => ({
      path,
      state: text === undefined ? 'absent' : changedByHand ? 'changed by hand' : 'as written',
    }),
  )
  const apps = unit.ActiveState === 'active' ? await readiness(manager.socket) : undefined
  if (flag('json')) {
    io.stdout.write(
      `${JSON.stringify({ unit, files, daemon: { reachable: apps !== undefined, apps: apps ?? null } })}\n`,
    )
  } else {
    for (const name of PROPERTIES)
      io.stdout.write(`${`${name}:`.padEnd(22)} ${plain(unit[name] ?? '')}\n`)
    for (const { path, state } of files) io.stdout.write(`${path}: ${state}\n`)
    io.stdout.write(apps ? inWords(apps) : 'The daemon does not answer.\n')
  }
  return apps ? 0 : NOT_REACHABLE
}
