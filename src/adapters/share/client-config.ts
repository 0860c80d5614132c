/** How the driver connects to a database of the list: with TLS unless it is on this machine, and with our credentials. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import pg, { type ClientConfig } from 'pg'
import type { ShareSettings } from '../../config/share-settings.ts'
import { isLoopbackHost } from '../../core/loopback.ts'
import { SidecarError } from '../../errors.ts'
import type { Secret } from '../../secret.ts'
import { readSmallFile } from '../files/small-file.ts'
import { GuardedClient } from './guarded-client.ts'

/** Name resolution, TCP, TLS and authentication together. */
const CONNECT_MS = 3_000

/** @param limitMs the longest that a statement is waited for. */
export function clientFor(
  settings: ShareSettings,
  host: string,
  password: () => Secret | undefined,
  limitMs: number,
): pg.Client {
  const Client = clientClassFor(host)
  return new Client(configOf(settings, host, password, limitMs))
}

export function poolFor(
  settings: ShareSettings,
  host: string,
  password: () => Secret | undefined,
  limitMs: number,
  max: number,
): pg.Pool {
  const Client = clientClassFor(host)
  return new pg.Pool({ ...configOf(settings, host, password, limitMs), Client, max })
}

/** With TLS only the server sees a password in the clear. */
function clientClassFor(host: string): typeof pg.Client {
  return isPlain(host) ? GuardedClient : pg.Client
}

function configOf(
  settings: ShareSettings,
  host: string,
  password: () => Secret | undefined,
  limitMs: number,
): ClientConfig {
  return {
    ...placeOf(host),
    database: settings.database,
    user: settings.user,
    // Without it the driver would take a password from the environment or its own file.
    password: () => password()?.expose() ?? '',
    ssl: isPlain(host) ? false : tlsOptions(settings, placeOf(host).host),
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: limitMs,
    keepAlive: true,
    application_name: 'evo-token',
  }
}

function tlsOptions({ ca, certificateFile, certificateKeyFile }: ShareSettings, host: string) {
  return {
    rejectUnauthorized: true,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: readNamed(ca, 'ca') }),
    ...(certificateFile !== undefined && { cert: readNamed(certificateFile, 'certificateFile') }),
    ...(certificateKeyFile !== undefined && {
      key: readNamed(certificateKeyFile, 'certificateKeyFile'),
    }),
  }
}

const CLIENT_CONFIG_MAX_BYTES = 1024 * 1024

/** @throws {SidecarError} `config` where it is no file that can be read. */
function readNamed(path: string, setting: keyof ShareSettings): Buffer {
  const read = readSmallFile(path, CLIENT_CONFIG_MAX_BYTES)
  if (read.kind === 'read') return read.bytes
  throw new SidecarError('config', `"share.${setting}": ${path} ${read.reason}.`)
}

/** A possible reason why a database refuses: the certificate that we show has expired, by this host's clock. */
export function endOfCertificate({ certificateFile }: ShareSettings): string | undefined {
  if (certificateFile === undefined) return undefined
  try {
    const { validTo } = new X509Certificate(readNamed(certificateFile, 'certificateFile'))
    const endsAt = new Date(validTo)
    return endsAt.getTime() <= Date.now()
      ? `"share.certificateFile" expired at ${endsAt.toISOString()}: put a new one there`
      : undefined
  } catch {
    // The error of the connection says what is wrong with the file.
    return undefined
  }
}

/** A host or the directory of a Unix socket, each perhaps with a port. */
function placeOf(text: string): { readonly host: string; readonly port: number } {
  const [, host = text, port = '5432'] = /^(.*?)(?::(\d+))?$/.exec(text) ?? []
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** Plain text stays on this machine. */
export function isPlain(text: string): boolean {
  const { host } = placeOf(text)
  return host.startsWith('/') || isLoopbackHost(host)
}
