/** A daemon whose wall clock a test sets. Its monotonic clock is the machine's, as after a sleep. */
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningAuthorizationServer } from '../support/authorization-server.ts'
import type { Home } from '../support/daemon-process.ts'
import { type KillableDaemon, startKillableDaemon } from './killable-daemon.ts'

/** Debian puts it below the directory of its architecture. */
const LIBRARY = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path))

/** Why there can be none; undefined where there can. */
export function noOwnClock(): string | undefined {
  return LIBRARY === undefined ? 'not installed: libfaketime' : undefined
}

export interface DaemonOnOwnClock extends KillableDaemon {
  /** Sets its wall clock to this many seconds after the machine's. */
  set(offsetS: number): void
}

export function startOnOwnClock(home: Home): DaemonOnOwnClock {
  const { env, set } = clockFile(home.directory)
  return { ...startKillableDaemon(home, { heartbeatMs: 100, env }), set }
}

/** For a daemon whose wall clock `set` sets, to this many seconds after the machine's. */
export function clockFile(directory: string): {
  readonly env: NodeJS.ProcessEnv
  readonly set: (offsetS: number) => void
} {
  const file = join(directory, 'clock')
  const set = (offsetS: number) => {
    writeFileSync(`${file}.next`, `${signed(offsetS)}\n`)
    renameSync(`${file}.next`, file)
  }
  set(0)
  const env = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
  }
  return { env, set }
}

/** For a daemon whose wall clock is this many seconds after the machine's. */
export function clockAhead(byS: number): NodeJS.ProcessEnv {
  return { LD_PRELOAD: LIBRARY, FAKETIME: `${signed(byS)}s`, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}

const signed = (offsetS: number) => `${offsetS < 0 ? '' : '+'}${offsetS}`

/** A service app that a cron line has renewed every `everyS` seconds, for the config. */
export function pipelineApp(server: RunningAuthorizationServer, everyS: number) {
  const { clientId } = server.clients.service
  const scopes = ['evo.discovery', 'evo.workspace']
  return {
    type: 'service',
    issuer: server.issuer,
    clientId,
    scopes,
    reissue: `*/${everyS} * * * * *`,
  }
}
