/** The systemd that runs the service, the machine's or the person's: how to ask it, and its files. */
import { execFile } from 'node:child_process'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { MACHINE_SOCKET } from '../../client/connection.ts'
import { homeOf, uidOf } from '../../daemon/world.ts'
import { SidecarError } from '../../errors.ts'
import type { Invocation } from '../command.ts'
import { isAsWritten } from './units.ts'

export const UNITS = ['evo-token.socket', 'evo-token.service'] as const

export interface Manager {
  readonly system: boolean
  readonly directory: string
  readonly socket: string
  /** As a person would type it. */
  readonly systemctl: string
  readonly journalctl: string
  /** systemctl. @throws {SidecarError} `failed` with what it said. */
  run(...args: readonly string[]): Promise<string>
  journal(): Promise<string>
}

/** @throws {SidecarError} `failed` where there is none that we could use. */
export async function findManager({ flag, io }: Invocation): Promise<Manager> {
  if (!existsSync('/run/systemd/system')) {
    throw new SidecarError('failed', 'This machine is not run by systemd.', {
      hint: 'Let what starts programs here run `evo-token serve`.',
    })
  }
  const system = flag('system')
  const runtime = io.env.XDG_RUNTIME_DIR ?? `/run/user/${uidOf()}`
  const env = { ...io.env, ...(!system && { XDG_RUNTIME_DIR: runtime }), SYSTEMD_PAGER: '' }
  const scope = system ? [] : ['--user']
  const call = async (file: string, args: readonly string[]) =>
    (await promisify(execFile)(file, [...scope, ...args], { env })).stdout
  const shown = system ? '' : '--user '
  const manager: Manager = {
    system,
    directory: system ? '/etc/systemd/system' : userUnits(io.env),
    socket: system ? MACHINE_SOCKET : join(runtime, 'evo-token/owner.sock'),
    systemctl: `systemctl ${shown}`.trimEnd(),
    journalctl: `journalctl ${shown}-u evo-token`,
    async run(...args) {
      try {
        return await call('systemctl', args)
      } catch (cause) {
        const { stderr } = cause as { stderr?: string }
        if (stderr === undefined) throw cause
        const message = `\`${manager.systemctl} ${args.join(' ')}\` fails: ${stderr.trim()}`
        throw new SidecarError('failed', message, {
          hint: 'Where an address is in use: end the `evo-token serve` that was started by hand, or name another "listen.port" in the config. Then try again.',
          cause,
        })
      }
    },
    journal: () =>
      call('journalctl', ['-u', 'evo-token', '-n', '10', '-o', 'cat', '--no-pager']).catch(
        () => '',
      ),
  }
  await manager.run('show-environment').catch((cause: unknown) => {
    throw new SidecarError('failed', `${manager.systemctl} reaches no systemd.`, {
      cause,
      hint: system
        ? 'See `systemctl status`.'
        : 'Log in on the machine itself or by ssh, not with su or sudo; or let root run `loginctl enable-linger` for you.',
    })
  })
  return manager
}

function userUnits(env: NodeJS.ProcessEnv): string {
  const { XDG_CONFIG_HOME: xdg } = env
  const base = xdg && isAbsolute(xdg) ? xdg : join(homeOf(env), '.config')
  return join(base, 'systemd/user')
}

export interface InstalledUnit {
  readonly path: string
  readonly text: string | undefined
  readonly changedByHand: boolean
}

export function installedUnit({ directory }: Manager, name: string): InstalledUnit {
  const path = join(directory, name)
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return { path, text: undefined, changedByHand: false }
  // A link is somebody's own arrangement, or a mask.
  if (!stats.isFile()) return { path, text: '', changedByHand: true }
  const text = readFileSync(path, 'utf8')
  return { path, text, changedByHand: !isAsWritten(text) }
}

export function requireRoot({ system }: Manager): void {
  if (!system || process.getuid?.() === 0) return
  throw new SidecarError('failed', '`--system` changes the machine, which root alone may do.', {
    hint: 'Run it with sudo.',
  })
}

export function changedByHand(path: string): SidecarError {
  return new SidecarError('failed', `${path} is not as evo-token wrote it: a person changed it.`, {
    hint: 'Put your changes into a drop-in (`systemctl edit`), then give --force, which discards what stands there.',
  })
}
