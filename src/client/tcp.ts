/**
 * Connects to the daemon over TCP, for callers, or through the owner's named pipe on Windows. Another program may
 * have taken the port or the name, so what listens has to prove that it knows the key (`/healthz`) before the key
 * is shown, on that same connection.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { isIPv6, type Socket } from 'node:net'
import { decodeFileText } from '../core/file-text.ts'
import { isLoopbackHost, unbracket } from '../core/loopback.ts'
import { ownership } from '../platform/chosen.ts'
import { quoted } from '../platform/posix/shell-quoted.ts'
import { Secret } from '../secret.ts'
import { EvoTokenError, failureOf, notRunning } from './failures.ts'
import { openSocket, type Connection, exchange, type SilenceOf } from './wire.ts'

const PROOF_TIMEOUT_MS = 10_000

/** Where the daemon listens for callers, and the key to show there. */
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
 * Authenticates at an owner's endpoint that asks for the key in `keyFile`.
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

interface OwnProof {
  readonly key: Secret
  readonly caller: string
  /** The address of the connection, which the daemon knows too. */
  readonly address: string
}

async function authenticate(connection: Connection, proven: OwnProof): Promise<Connection> {
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
      'Give it as http://127.0.0.1:PORT. The key is never sent to another machine.',
    )
  }
  return { host: url.host, hostname, port: Number(url.port || 80) }
}

/** The longest access key in UTF-16, with blanks around it. */
const KEY_FILE_MAX_BYTES = 16 * 1024

/** A path that a shell makes of `<(…)`. */
const PASSED_DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/\d+$/

function readKey(path: string): Secret {
  let descriptor: number | undefined
  try {
    // Reading any other pipe or device may never end, or exceed the memory.
    if (!statSync(path).isFile() && !PASSED_DESCRIPTOR.test(path))
      throw keyFault(path, 'it is no file')
    descriptor = openSync(path, 'r')
    const stats = fstatSync(descriptor)
    if (ownership.othersMayEnter(stats)) {
      throw keyFault(path, 'others may read or write it', `chmod 600 ${quoted(path)}`)
    }
    if (!ownership.isTrusted(stats) && !ownership.isRoot()) {
      throw keyFault(path, 'it belongs to another user')
    }
    // Files of the kernel claim to be empty, and reading them may never end.
    const mayHoldKey = !stats.isFile() || (stats.size > 0 && stats.size <= KEY_FILE_MAX_BYTES)
    const key = mayHoldKey ? decodeOrEmpty(readFileSync(descriptor)).trim() : ''
    if (!/^[\x21-\x7e]{8,4096}$/.test(key)) throw keyFault(path, 'it does not hold an access key')
    return new Secret(key)
  } catch (error) {
    if (error instanceof EvoTokenError) throw error
    throw keyFault(path, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** The text of the file; empty for bytes that are no text. */
function decodeOrEmpty(bytes: Buffer): string {
  try {
    return decodeFileText(bytes)
  } catch {
    return ''
  }
}

function keyFault(path: string, reason: string, mend?: string): EvoTokenError {
  // A name that looks like no path may be the key itself.
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
 * Demands the proof. Its key is SHA-256(access key), which is all that the daemon keeps. The nonce names the address
 * of this connection, and the daemon proves it at that address only: another program that listens here cannot
 * have it proven where the daemon is now.
 */
async function prove(connection: Connection, { key, caller, address }: OwnProof): Promise<void> {
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
    'Check that the daemon runs there, and that the key file is that of the caller.',
  )
}

function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${isIPv6(remoteAddress) ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
}
