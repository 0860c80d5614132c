/**
 * One app at a strict authorization server, with a path to it that can be at fault: what the tests
 * and the runs of this directory begin with.
 */
import type { ClientMetadata } from 'oidc-provider'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { freePort } from '../support/free-port.ts'
import type { ProviderStore } from '../support/provider-store.ts'
import { type FaultyPath, startFaultyPath } from './faulty-path.ts'
import { createHandClock, type HandClock } from './hand-clock.ts'
import { type LogLine, type Sidecar, type SidecarOptions, startSidecar } from './sidecar.ts'

export const SCOPES = ['evo.discovery', 'evo.workspace']

/** As the server states it. */
export const LIFETIME_MS = 7_200_000
/** Time for three requests that hang. */
export const AHEAD_MS = 1_500_000
/** As the daemon's defaults have them. */
export const RETRY_MIN_MS = 5_000
export const RETRY_MAX_MS = 300_000

export interface StrictWorld extends AsyncDisposable {
  readonly clock: HandClock
  readonly path: FaultyPath
  readonly server: RunningAuthorizationServer
  readonly redirectUri: string
  /** A config with these apps, everything else as it comes. */
  readonly config: (apps: object) => object
  /** The config of a native app. */
  native(overrides?: object): object
}

export interface WorldOptions {
  readonly store?: ProviderStore
  /** More clients than every server has. */
  readonly clients?: (redirectUri: string) => readonly ClientMetadata[]
  readonly accessTokenFormat?: 'jwt' | 'opaque'
}

export async function createStrictWorld({
  store,
  clients,
  accessTokenFormat = 'jwt',
}: WorldOptions = {}): Promise<StrictWorld> {
  const clock = createHandClock()
  const redirectUri = `http://localhost:${await freePort()}/signin-callback`
  const path = await startFaultyPath({ now: () => clock.read().wall })
  const server = await startAuthorizationServer({
    issuer: path.url,
    redirectUris: [redirectUri],
    accessTokenTtlS: LIFETIME_MS / 1000,
    accessTokenFormat,
    clients: clients?.(redirectUri) ?? [],
    ...(store && { store }),
  })
  path.leadTo(server.url)
  return {
    clock,
    path,
    server,
    redirectUri,
    config: (apps) => ({
      issuer: path.url,
      listen: { port: 0 },
      vault: { key: 'file' },
      refresh: { ahead: '25m' },
      apps,
    }),
    native: (overrides) => ({
      type: 'native',
      clientId: server.clients.native.clientId,
      redirectUris: [redirectUri],
      scopes: [...SCOPES, 'offline_access'],
      ...overrides,
    }),
    async [Symbol.asyncDispose]() {
      await path.close()
      await server.close()
    },
  }
}

/** A sidecar, and what it has logged. */
export interface Observed {
  readonly sidecar: Sidecar
  readonly lines: readonly LogLine[]
  /** How many requests that spend something have left in all. */
  readonly sends: () => number
}

/** @param jitter where in each back-off window an attempt falls. */
export async function observe(
  { clock, config }: StrictWorld,
  apps: object,
  jitter = 0.2,
  options: Pick<SidecarOptions, 'waitsByHand'> = {},
): Promise<Observed> {
  const lines: LogLine[] = []
  const sidecar = await startSidecar({
    clock,
    config: config(apps),
    random: () => jitter,
    onLog: (line) => lines.push(line),
    ...options,
  })
  return {
    sidecar,
    lines,
    sends: () => lines.filter(({ fields }) => fields.step === 'send').length,
  }
}

/** How long the daemon waits after as many failures as this in a row. */
export function backOffMs(failures: number, jitter: number): number {
  const bound = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures)
  return Math.round(RETRY_MIN_MS + jitter * (bound - RETRY_MIN_MS))
}
