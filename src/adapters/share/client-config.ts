/** How the driver connects to a database of the list: TLS but on this machine, and with what it has to show. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { Client, ClientConfig, Pool } from 'pg'
import type { ShareSettings } from '../../config/share-settings.ts'
import { isLoopbackHost } from '../../core/loopback.ts'
import type { Secret } from '../../secret.ts'
import { loadGuardedClient } from './guarded-client.ts'

/** Name resolution, TCP, TLS and authentication together. */
const CONNECT_MS = 3_000

/** @param limitMs the longest that a statement is waited for. */
export async function clientFor(
  settings: ShareSettings,
  host: string,
  password: Secret | undefined,
  limitMs: number,
): Promise<Client> {
  const GuardedClient = await loadGuardedClient(!isPlain(host))
  return new GuardedClient(configOf(settings, host, password, limitMs))
}

export async function poolFor(
  settings: ShareSettings,
  host: string,
  password: Secret | undefined,
  limitMs: number,
  max: number,
): Promise<Pool> {
  const { default: pg } = await import('pg')
  const Client = await loadGuardedClient(!isPlain(host))
  return new pg.Pool({ ...configOf(settings, host, password, limitMs), Client, max })
}

function configOf(
  settings: ShareSettings,
  host: string,
  password: Secret | undefined,
  limitMs: number,
): ClientConfig {
  return {
    ...placeOf(host),
    database: settings.database,
    user: settings.user,
    // Never what the environment or a file of the driver's says.
    password: password?.expose() ?? '',
    ssl: isPlain(host) ? false : tls(settings, placeOf(host).host),
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: limitMs,
    keepAlive: true,
    application_name: 'evo-token',
  }
}

function tls({ ca, certificateFile, certificateKeyFile }: ShareSettings, host: string) {
  return {
    rejectUnauthorized: true,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: readFileSync(ca, 'utf8') }),
    ...(certificateFile !== undefined && { cert: readFileSync(certificateFile, 'utf8') }),
    ...(certificateKeyFile !== undefined && { key: readFileSync(certificateKeyFile, 'utf8') }),
  }
}

/** A host or the directory of a Unix socket, each perhaps with a port. */
function placeOf(text: string): { readonly host: string; readonly port: number } {
  const [, host = text, port = '5432'] = /^(.*?)(?::(\d+))?$/.exec(text) ?? []
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** Plain text stays on this machine. */
function isPlain(text: string): boolean {
  const { host } = placeOf(text)
  return host.startsWith('/') || isLoopbackHost(host)
}
