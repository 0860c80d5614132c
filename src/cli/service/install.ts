/** `service install`: writes the units, starts them, and waits until the daemon answers. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { networkInterfaces, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { configPath, loadConfig } from '../../adapters/config-file.ts'
import { homeOf } from '../../daemon/world.ts'
import { SidecarError } from '../../errors.ts'
import type { Invocation } from '../command.ts'
import {
  changedByHand,
  findManager,
  installedUnit,
  type Manager,
  requireRoot,
  UNITS,
} from './manager.ts'
import { usageFault } from '../usage.ts'
import { credentialLines, makeVaultKey } from './credentials.ts'
import { requireGroup } from './group.ts'
import { readTemplate, thisProgram } from './program.ts'
import { fillService, fillSocket } from './units.ts'
import { waitUntilServing } from './waiting.ts'

const SYSTEM_CONFIG = '/etc/evo-token/config.json'

export async function run(invocation: Invocation): Promise<number> {
  const { command, flag, io, text: given } = invocation
  if (process.platform === 'darwin') return (await import('./launch-agent.ts')).install(invocation)
  if (given('group') !== undefined && !flag('system')) {
    throw usageFault(command, 'takes --group with --system only')
  }
  const manager = await findManager(invocation)
  const { keyIsCredential, ...filling } = await fillingFor(invocation, manager)
  const units = UNITS.map((name) => {
    const kind = manager.system ? 'system' : 'user'
    const template = readTemplate(`systemd/${kind}/${name}`)
    const fill = name.endsWith('.socket') ? fillSocket : fillService
    const text = fill(template, filling)
    const before = installedUnit(manager, name)
    return { ...before, name, text, differs: before.text !== text }
  })
  const differing = units.filter(({ differs }) => differs)
  const socketDiffers = differing.some(({ name }) => name === 'evo-token.socket')
  const commands = [
    'daemon-reload',
    `enable ${UNITS.join(' ')}`,
    // systemd moves no socket below a service that runs.
    ...(socketDiffers ? ['stop evo-token.service', 'restart evo-token.socket'] : []),
    '--no-block restart evo-token.service',
  ]
  if (flag('dry-run')) {
    for (const { path, text } of differing) io.stdout.write(`# ${path}\n${text}\n`)
    io.stdout.write(commands.map((one) => `${manager.systemctl} ${one}\n`).join(''))
    return 0
  }
  requireRoot(manager)
  const active = (await manager.run('show', '-P', 'ActiveState', 'evo-token.service')).trim()
  if (differing.length === 0 && active === 'active') {
    io.stderr.write('The service is installed and runs: nothing to do.\n')
    return 0
  }
  const changed = differing.find((unit) => unit.changedByHand)
  if (changed && !flag('force')) throw changedByHand(changed.path)
  if (keyIsCredential) makeVaultKey()
  mkdirSync(manager.directory, { recursive: true })
  for (const { path, text } of differing) {
    writeFileSync(`${path}.new`, text, { mode: 0o644 })
    renameSync(`${path}.new`, path)
    io.stderr.write(`Wrote ${path}.\n`)
  }
  for (const command of commands) await manager.run(...command.split(' '))
  io.stderr.write(await waitUntilServing(manager))
  io.stderr.write(`Its log: ${manager.journalctl}\n`)
  const { username } = userInfo()
  if (!manager.system && !existsSync(`/var/lib/systemd/linger/${username}`)) {
    io.stderr.write(
      'It ends when you log out for the last time. To have it run all the time: loginctl enable-linger\n',
    )
  }
  return 0
}

async function fillingFor({ text, io }: Invocation, manager: Manager) {
  const { system } = manager
  const home = homeOf(io.env)
  const usual = join(home, '.config/evo-token/config.json')
  const path = system
    ? resolve(text('config') ?? SYSTEM_CONFIG)
    : configPath(text('config'), io.env, home)
  const { config } = await loadConfig(path)
  // Who was made an owner stays one, until another group is named.
  const before = installedUnit(manager, 'evo-token.socket').text ?? ''
  const group = text('group') ?? /^SocketGroup=(.*)$/m.exec(before)?.[1]
  if (group !== undefined) await requireGroup(group, io.env)
  const stateDir = system ? undefined : io.env.EVO_TOKEN_STATE_DIR
  const keyIsCredential = system && config.vaultKey === 'credential'
  const { node, main, digest } = thisProgram()
  if (system) for (const path of [node, main]) requireOutsideHomes(path)
  return {
    node,
    main,
    options: [
      ...(system || path !== usual ? ['--config', path] : []),
      ...(stateDir ? ['--state-dir', resolve(stateDir)] : []),
    ],
    listen: config.listen,
    ipv6: Object.values(networkInterfaces()).some((all) =>
      all?.some(({ address }) => address === '::1'),
    ),
    group,
    keyIsCredential,
    credentials: system ? credentialLines(config.apps, keyIsCredential) : [],
    program: digest,
  }
}

/** The machine's service sees nobody's home. */
function requireOutsideHomes(path: string): void {
  if (!/^\/(home|root|run\/user)\//.test(path)) return
  throw new SidecarError(
    'failed',
    `The machine's service cannot run ${path}, which is in a home.`,
    {
      hint: 'Install Node and evo-token for the whole machine (below /usr or /opt), and run `service install --system` from there.',
    },
  )
}
