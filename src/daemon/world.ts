/** What the process provides: everything that a test replaces, and nothing else. */
import { networkInterfaces } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import type { LoadedConfig } from '../adapters/config/config-file.ts'
import { createTimeLimits, type StartTimeLimit } from '../adapters/server/time-limit.ts'
import type { Sleep } from '../broker/wait-at-most.ts'
import type { ActivityLog } from '../adapters/activity/activity-log.ts'
import type { Clock, Log } from '../core/ports.ts'
import type { SharingPolicy } from '../core/sharing/policy.ts'
import { locations, ownership } from '../platform/chosen.ts'

export interface World {
  readonly env: NodeJS.ProcessEnv
  readonly home: string
  readonly uid: number
  readonly pid: number
  readonly clock: Clock
  readonly sleep: Sleep
  /** Limits the time of requests to authorization servers. */
  readonly startTimeLimit: StartTimeLimit
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly log: Log
  /** Reads the config again, for a reload. @throws {SidecarError} `config`. */
  readonly readConfig: () => Promise<LoadedConfig>
  /** The file that it reads. */
  readonly configPath?: string
  readonly heartbeatMs: number
  /** Durations of sharing with other hosts that differ from the usual ones. */
  readonly sharingPolicy?: Partial<SharingPolicy>
  /** Changes when the machine's network does; empty while it has none. */
  readonly networkSignature: () => string
  /** Replaces the activity log; a benchmark leaves the counting out. */
  readonly changeActivity?: (own: ActivityLog) => ActivityLog
  /** Called at each named step of the rotation protocol; a test ends the process there. */
  readonly onStep?: (step: string, app?: string) => void
}

/** Rare enough to cost nothing, frequent enough for a token that lives a minute. */
const HEARTBEAT_MS = 5_000

/** The world of this process. */
export function createProcessWorld(
  env: NodeJS.ProcessEnv,
  {
    bootId,
    ...own
  }: Pick<World, 'log' | 'readConfig' | 'configPath'> & {
    /** Empty where it is not known. */
    readonly bootId: string
  },
): World {
  const boot = bootId === '' ? {} : { boot: bootId }
  // Unlike `performance.now()` it means the same to the next process.
  const mono = () => Number(process.hrtime.bigint() / 1_000n) / 1_000
  const clock: Clock = { read: () => ({ wall: Date.now(), mono: mono(), ...boot }) }
  return {
    env,
    home: locations.homeOf(env),
    uid: ownership.userId(),
    pid: process.pid,
    clock,
    sleep: async (ms, signal) => {
      await setTimeout(ms, undefined, { signal })
    },
    startTimeLimit: createTimeLimits(clock),
    random: Math.random,
    heartbeatMs: HEARTBEAT_MS,
    networkSignature,
    ...own,
  }
}

function networkSignature(): string {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address)
    .sort()
    .join(' ')
}
