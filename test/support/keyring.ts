/**
 * A keychain as on a Linux desktop: gnome-keyring-daemon on a session bus of its own, with a home
 * of its own, which leaves the keychain of the person who runs the tests alone.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { until } from './until.ts'

const PASSWORD = 'correct horse battery staple'

const SERVICE = ['--user', 'call', 'org.freedesktop.secrets', '/org/freedesktop/secrets']

export const KEYRING_COMMANDS = ['dbus-run-session', 'gnome-keyring-daemon', 'busctl'] as const

/** A session bus. Without `services`, nothing on it can be started by asking for it. */
export interface Bus extends AsyncDisposable {
  /** The environment of a program in this session. */
  readonly env: NodeJS.ProcessEnv
}

export interface Keyring extends Bus {
  lock(): Promise<void>
  unlock(): Promise<void>
  /** The service neither answers nor goes away. */
  freeze(): void
}

export interface BusOptions {
  readonly services: boolean
  /** Whose session it is, if the test looks after that; the bus is `run/bus` in it. */
  readonly home?: string
}

export async function startBus(options: BusOptions): Promise<Bus> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'evo-token-keyring-'))
  mkdirSync(join(home, 'run'), { mode: 0o700, recursive: true })
  const base = { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: join(home, 'run') }
  const config = options.services ? [] : [`--config-file=${emptyBusConfig(home)}`]
  // The session lasts until the shell ends, which is when its standard input does.
  const shell = spawn(
    'dbus-run-session',
    [...config, '--', 'sh', '-c', 'echo "$DBUS_SESSION_BUS_ADDRESS"; cat > /dev/null'],
    { env: base, stdio: ['pipe', 'pipe', 'ignore'] },
  )
  const [address] = (await once(createInterface(shell.stdout), 'line')) as [string]
  return {
    env: { ...base, DBUS_SESSION_BUS_ADDRESS: address },
    async [Symbol.asyncDispose]() {
      shell.stdin.end()
      await once(shell, 'exit')
      if (options.home === undefined) await rm(home, { recursive: true, force: true })
    },
  }
}

export async function startKeyring(on?: Bus): Promise<Keyring> {
  // On a bus that starts services, asking whether ours is there yet would start another.
  const bus = on ?? (await startBus({ services: false }))
  const { env } = bus
  let daemon = unlockedDaemon(env)
  await until(
    'the keychain is unlocked',
    () => lockedProperty(env),
    (locked) => locked === 'b false',
  )
  return {
    env,
    async lock() {
      const collection = '/org/freedesktop/secrets/collection/login'
      const method = ['org.freedesktop.Secret.Service', 'Lock', 'ao', '1', collection]
      execFileSync('busctl', [...SERVICE, ...method], { env })
      await until(
        'the keychain is locked',
        () => lockedProperty(env),
        (locked) => locked === 'b true',
      )
    },
    async unlock() {
      await stop(daemon)
      daemon = unlockedDaemon(env)
      await until(
        'the keychain is unlocked',
        () => lockedProperty(env),
        (locked) => locked === 'b false',
      )
    },
    freeze() {
      daemon.kill('SIGSTOP')
    },
    async [Symbol.asyncDispose]() {
      await stop(daemon)
      if (!on) await bus[Symbol.asyncDispose]()
    },
  }
}

/** In the foreground, so that it is our child; it makes the collection "login" where there is none. */
function unlockedDaemon(env: NodeJS.ProcessEnv): ChildProcess {
  const args = ['--foreground', '--unlock', '--components=secrets']
  const daemon = spawn('gnome-keyring-daemon', args, { env, stdio: ['pipe', 'ignore', 'ignore'] })
  daemon.stdin.end(PASSWORD)
  return daemon
}

async function stop(daemon: ChildProcess): Promise<void> {
  const ended = once(daemon, 'exit')
  daemon.kill('SIGKILL')
  await ended
}

function lockedProperty(env: NodeJS.ProcessEnv): string {
  const asked = [
    '--user',
    'get-property',
    'org.freedesktop.secrets',
    '/org/freedesktop/secrets/aliases/default',
    'org.freedesktop.Secret.Collection',
    'Locked',
  ]
  try {
    return execFileSync('busctl', asked, { env, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'not there yet'
  }
}

function emptyBusConfig(home: string): string {
  const path = join(home, 'bus.conf')
  writeFileSync(
    path,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
      "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
     <busconfig>
       <type>session</type>
       <listen>unix:path=${home}/run/bus</listen>
       <policy context="default">
         <allow send_destination="*" eavesdrop="true"/>
         <allow eavesdrop="true"/>
         <allow own="*"/>
       </policy>
     </busconfig>`,
  )
  return path
}
