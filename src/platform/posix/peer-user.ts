/**
 * Which user of this machine is at the other end of a loopback connection, or listens on a port: Linux
 * has a table of all its sockets with their owners. Other systems do not show it.
 */
import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { endianness, release } from 'node:os'
import { join } from 'node:path'
import type { Peer, PeerLookup, PortUsersLookup } from '../platform.ts'

/** The kernel writes the table in pieces, and may miss a socket between two of them. */
const TABLE_READINGS = 2

/** `/proc/self`, since a sandbox with `ProcSubset=pid` has no `/proc/net`. */
const TABLES_DIRECTORY = '/proc/self/net'

export function createPeerLookup({
  kernel = release(),
  tables = TABLES_DIRECTORY,
}: { kernel?: string; tables?: string } = {}): PeerLookup {
  // In WSL the browser runs on Windows, whose sockets are in no table here.
  const isShown = !/microsoft/i.test(kernel)
  return async ({ remoteAddress, remotePort, localAddress, localPort }) => {
    if (!isShown) return { kind: 'unknown' }
    if (!remoteAddress || !remotePort || !localAddress || !localPort) return { kind: 'gone' }
    const places = tablePlaces(remoteAddress)
    for (let reading = 0; reading < TABLE_READINGS; reading++) {
      for (const { table, spell } of places) {
        const text = await readTable(join(tables, table))
        // A kernel without IPv6 lacks that table, which does not matter for IPv4.
        if (text === undefined && table === places[0]?.table) return { kind: 'unknown' }
        // The connection has two entries: this finds the one of the peer's end.
        const ends = `${spell(remoteAddress, remotePort)} ${spell(localAddress, localPort)}`
        const owner = findSocketOwner(text ?? '', ends)
        if (owner) return owner
      }
    }
    return { kind: 'gone' }
  }
}

/** TCP_LISTEN of the kernel, as the table has it. */
const LISTEN_STATE = '0A'

/** Sockets on all addresses take the connections to any of them. */
const ALL_ADDRESSES = ['0.0.0.0', '::']

export const usersOfPort: PortUsersLookup = async (port, addresses) => {
  const places = [...addresses, ...ALL_ADDRESSES].flatMap(tablePlaces)
  const tables = new Map<string, string>()
  for (const { table } of places) {
    if (!tables.has(table))
      tables.set(table, (await readTable(join(TABLES_DIRECTORY, table))) ?? '')
  }
  const users = places.flatMap(({ address, table, spell }) =>
    listenersIn(tables.get(table) ?? '', spell(address, port)),
  )
  return [...new Set(users)]
}

function listenersIn(table: string, local: string): number[] {
  return table.split('\n').flatMap((line) => {
    const [, address, , state, , , , uid] = line.trim().split(/\s+/)
    return address === local && state === LISTEN_STATE ? [Number(uid)] : []
  })
}

type Spell = (address: string, port: number) => string

/** Where the entry may stand: a program may use IPv4 through an IPv6 socket. */
function tablePlaces(address: string): readonly { address: string; table: string; spell: Spell }[] {
  if (!isIPv4(address)) {
    return [{ address, table: 'tcp6', spell: (of, port) => inHex(bytesOfIPv6(of), port) }]
  }
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
  return [
    { address, table: 'tcp', spell: (of, port) => inHex(bytesOfIPv4(of), port) },
    { address, table: 'tcp6', spell: (of, port) => inHex([...mapped, ...bytesOfIPv4(of)], port) },
  ]
}

/**
 * A line is `sl: local remote state queues timer retransmits uid timeout inode …`. A socket
 * without an inode is closed, and most kernels then name root as its owner.
 */
function findSocketOwner(table: string, ends: string): Peer | undefined {
  const line = table.split('\n').find((candidate) => candidate.includes(` ${ends} `))
  if (line === undefined) return undefined
  const [, , , , , , , uid, , inode] = line.trim().split(/\s+/)
  if (inode === '0' || !/^\d+$/.test(uid ?? '')) return { kind: 'gone' }
  return { kind: 'user', uid: Number(uid) }
}

/** For the loopback address, and for a socket on all addresses: no other IPv6 address is looked for. */
function bytesOfIPv6(address: string): readonly number[] {
  if (address !== '::1' && address !== '::') return []
  return [...Array<number>(15).fill(0), address === '::1' ? 1 : 0]
}

function bytesOfIPv4(address: string): readonly number[] {
  return address.split('.').map(Number)
}

/** As the kernel prints it: words of four bytes, each in the order of this machine, and the port. */
function inHex(bytes: readonly number[], port: number): string {
  const buffer = Buffer.from(bytes)
  if (endianness() === 'LE') buffer.swap32()
  return `${buffer.toString('hex')}:${port.toString(16).padStart(4, '0')}`.toUpperCase()
}

/** Undefined where there is no such table, or we may not read it. Throws where descriptors have run out. */
async function readTable(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EPERM') return undefined
    throw error
  }
}
