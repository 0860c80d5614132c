/**
 * The daemon over TCP, for callers, and on the owner's named pipe of Windows. Any program may have taken
 * its port or name, so it has to prove that it knows the key (`/healthz`) before we show it, on the very
 * connection that proved it.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { isIPv6, type Socket } from 'node:net'
import { decodeFileText } from '../core/file-text.ts'
import { isLoopbackHost, unbracket } from '../core/loopback.ts'
import { ownership } from '../platform/chosen.ts'
import { Secret } from '../secret.ts'
import { EvoTokenError, failureOf, notRunning } from './failures.ts'
import { openSocket, type Connection, exchange, type SilenceOf } from './wire.ts'

const PROOF_TIMEOUT_MS = 10_000

/** Where the daemon listens for callers, and what one needs there. */
export interface TcpTarget {
  readonly url: string
  readonly keyFile: string
  /** The name that the key was made for. */
  readonly caller: string
}

/** @throws {EvoTokenError} `config`, `not_running`, `invalid_key` */
export async function openTcp(
  { url, keyFile, caller }: TcpTarget,
  silenceOf?: SilenceOf,
): Promise<Connection> {
  const { host, hostname, port } = loopbackUrl(url)
  const key = readKey(keyFile)
  const place = `http://${host}`
  const target = { host: hostname, port }
  const socket = await openSocket(target)
  if (typeof socket === 'string') throw notRunning(`${place} gives ${socket}`)
  const opened = { headers: { Host: host }, place, target }
  const connection = { ...opened, socket, ...(silenceOf && { onSilence: silenceOf(opened) }) }
  return authenticate(connection, { key, caller, address: peerOf(socket) })
}

/**
 * The owner's endpoint, where it asks for the key in `keyFile`.
 *
 * @throws {EvoTokenError} `config`, `not_running`, `invalid_key`
 */
export async function authenticateOwner(
  connection: Connection,
  keyFile: string,
): Promise<Connection> {
  const address = connection.place
  return authenticate(connection, { key: readKey(keyFile), caller: 'owner', address })
}

interface Proven {
  readonly key: Secret
  readonly caller: string
  /** What we are connected to, as the daemon knows it too. */
  readonly address: string
}

async function authenticate(connection: Connection, proven: Proven): Promise<Connection> {
  try {
    await prove(connection, proven)
  } catch (error) {
    connection.socket.destroy()
    throw error
  }
  const Authorization = `Bearer ${proven.key.expose()}`
  return { ...connection, headers: { ...connection.headers, Authorization } }
}

function loopbackUrl(text: string): { host: string; hostname: string; port: number } {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const hostname = unbracket(url?.hostname ?? '')
  if (
    url?.protocol !== 'http:' ||
    !isLoopbackHost(hostname) ||
    url.username ||
    url.pathname !== '/'
  ) {
    // It may hold a password or a key: the message does not repeat it.
    throw new EvoTokenError(
      'config',
      'What --url or EVO_TOKEN_URL names is not the URL of a daemon on this machine.',
      'Give it as http://127.0.0.1:PORT; another machine never gets the key.',
    )
  }
  return { host: url.host, hostname, port: Number(url.port || 80) }
}

function readKey(path: string): Secret {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, 'r')
    const stats = fstatSync(descriptor)
    if (ownership.othersMayEnter(stats)) {
      throw keyFault(path, 'others may read or write it', `chmod 600 ${path}`)
    }
    if (!ownership.isTrusted(stats) && !ownership.isRoot()) {
      throw keyFault(path, 'it belongs to another user')
    }
    const key = textOf(readFileSync(descriptor)).trim()
    if (!/^[\x21-\x7e]{8,4096}$/.test(key)) throw keyFault(path, 'it does not hold an access key')
    return new Secret(key)
  } catch (error) {
    if (error instanceof EvoTokenError) throw error
    throw keyFault(path, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** What is no text is no key either. */
function textOf(bytes: Buffer): string {
  try {
    return decodeFileText(bytes)
  } catch {
    return ''
  }
}

function keyFault(path: string, reason: string, mend?: string): EvoTokenError {
  // What no path looks like may be the key itself.
  const named = /[/.]/.test(path) ? ` "${path}"` : ''
  return new EvoTokenError(
    'config',
    `The key file${named} is not used: ${reason}.`,
    mend
      ? `Keep others out with \`${mend}\`.`
      : 'Name it with --key-file (EVO_TOKEN_KEY_FILE); `evo-token caller add NAME` makes a key.',
  )
}

/**
 * The key of the proof is SHA-256(access key), which is all that the daemon keeps. The nonce names the
 * address that we are connected to: the daemon gives a proof for it at no other address, so another
 * program that listens here cannot get one from where the daemon is now.
 */
async function prove(connection: Connection, { key, caller, address }: Proven): Promise<void> {
  const nonce = `${randomBytes(24).toString('hex')}@${address}`
  const path = `/healthz?${String(new URLSearchParams({ caller, nonce }))}`
  const answer = await exchange(connection, { path, timeoutMs: PROOF_TIMEOUT_MS }, true)
  if (typeof answer === 'string') throw failureOf(answer, connection.place)
  const given = Buffer.from(String(answer.json?.proof))
  const digest = Buffer.from(key.sha256, 'hex')
  const expected = Buffer.from(createHmac('sha256', digest).update(nonce).digest('hex'))
  if (given.length === expected.length && timingSafeEqual(given, expected)) return
  throw new EvoTokenError(
    'invalid_key',
    `What listens on ${connection.place} does not prove that it knows the key of the caller "${caller}", so the key was not shown to it.`,
    'See that the daemon runs there, and that the caller and the key file belong together.',
  )
}

function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${isIPv6(remoteAddress) ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
}
