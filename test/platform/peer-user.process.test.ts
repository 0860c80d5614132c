import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { endianness, networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Ends } from '../../src/platform/platform.ts'
import { mac } from '../../src/platform/posix/mac.ts'
import { createPeerLookup, usersOfPort } from '../../src/platform/posix/peer-user.ts'
import { itNeeds } from '../support/needs.ts'

const linux = process.platform === 'linux' ? undefined : 'only Linux tells'
const hasIpv6 = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .some(({ address }) => address === '::1')
const onLinux = itNeeds(linux)
const onLinuxWithIpv6 = itNeeds(linux ?? (hasIpv6 ? undefined : 'no IPv6 loopback'))
/** The tables below are written as a little-endian machine has them. */
const onLittleEndian = itNeeds(endianness() === 'LE' ? undefined : 'not a little-endian machine')

const CLIENT: Ends = {
  remoteAddress: '127.0.0.1',
  remotePort: 0xa430,
  localAddress: '127.0.0.1',
  localPort: 3000,
}

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const OUR_END =
  '  12: 0100007F:0BB8 0100007F:A430 01 00000000:00000000 00:00000000 00000000  1000        0 726115 1 0000\n'

/** The table's entry of the client's end. */
function clientEnd(uid: number, inode: number, ends = '0100007F:A430 0100007F:0BB8'): string {
  return ` 911: ${ends} 01 00000000:00000000 00:00000000 00000000 ${uid}        0 ${inode} 2 0000\n`
}

/** What is found in tables that say this. */
async function lookedUp(tables: { tcp?: string; tcp6?: string }, ends: Ends = CLIENT) {
  const directory = await mkdtemp(join(tmpdir(), 'peer-'))
  try {
    for (const [name, lines] of Object.entries(tables)) {
      await writeFile(join(directory, name), HEADER + lines)
    }
    return await createPeerLookup({ kernel: '6.1', tables: directory })(ends)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** A client of this process, and what it is taken for. */
async function connected(listenAt: string, connectTo: string) {
  const server = createServer().listen(0, listenAt)
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, connectTo)
  const [connection] = (await once(server, 'connection')) as [Socket]
  const peer = await createPeerLookup()(connection)
  client.destroy()
  server.close()
  return peer
}

describe('the user at the other end', () => {
  onLinux('is found for a connection over IPv4', async () => {
    const ours = { kind: 'user', uid: process.getuid?.() }
    expect(await connected('127.0.0.1', '127.0.0.1')).toEqual(ours)
  })

  onLinuxWithIpv6('is found for a connection over IPv6, and for IPv4 out of it', async () => {
    const ours = { kind: 'user', uid: process.getuid?.() }
    expect(await connected('::1', '::1')).toEqual(ours)
    expect(await connected('127.0.0.1', '::ffff:127.0.0.1')).toEqual(ours)
  })

  onLittleEndian('is the owner of the client’s end, not of ours', async () => {
    const tcp = OUR_END + clientEnd(1001, 725272)
    expect(await lookedUp({ tcp })).toEqual({ kind: 'user', uid: 1001 })
  })

  onLittleEndian('is looked for in both tables', async () => {
    const ends = '0000000000000000FFFF00000100007F:A430 0000000000000000FFFF00000100007F:0BB8'
    expect(await lookedUp({ tcp: OUR_END, tcp6: clientEnd(1001, 7, ends) })).toEqual({
      kind: 'user',
      uid: 1001,
    })
    expect(await lookedUp({ tcp: OUR_END })).toEqual({ kind: 'gone' })
  })

  onLittleEndian(
    'is no user’s once the client has closed, although the table says root',
    async () => {
      expect(await lookedUp({ tcp: OUR_END + clientEnd(0, 0) })).toEqual({ kind: 'gone' })
      expect(await lookedUp({ tcp: OUR_END, tcp6: '' })).toEqual({ kind: 'gone' })
      expect(await lookedUp({ tcp: '' }, { localAddress: '127.0.0.1', localPort: 3000 })).toEqual({
        kind: 'gone',
      })
    },
  )

  it('is unknown where the system does not tell', async () => {
    expect(await lookedUp({})).toEqual({ kind: 'unknown' })
    const overIpv6 = { ...CLIENT, remoteAddress: '::1', localAddress: '::1' }
    expect(await lookedUp({ tcp: '' }, overIpv6)).toEqual({ kind: 'unknown' })
    expect(await mac.createPeerLookup()(CLIENT)).toEqual({ kind: 'unknown' })
    const kernel = '5.15.167.4-microsoft-standard-WSL2'
    const inWsl = createPeerLookup({ kernel })
    expect(await inWsl(CLIENT)).toEqual({ kind: 'unknown' })
  })
})

describe('the users who listen on a port', () => {
  const LOCALHOST = ['127.0.0.1', '::1']

  async function expectFound(address: string): Promise<void> {
    const server = createServer().listen({ port: 0, host: address, ipv6Only: true })
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await usersOfPort(port, LOCALHOST)).toEqual([process.getuid?.()])
    server.close()
    await once(server, 'close')
    expect(await usersOfPort(port, LOCALHOST)).toEqual([])
  }

  onLinux('are found at the address, and where a program listens at all of them', async () => {
    await expectFound('127.0.0.1')
    await expectFound('0.0.0.0')
  })

  onLinuxWithIpv6('are found over IPv6', async () => {
    await expectFound('::1')
    await expectFound('::')
  })

  onLinux(
    'are not those who listen at another address, or are connected from that port',
    async () => {
      const server = createServer().listen(0, '127.0.0.2')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const client = connect(port, '127.0.0.2')
      await once(client, 'connect')
      expect(await usersOfPort(port, LOCALHOST)).toEqual([])
      expect(await usersOfPort(client.localPort ?? 0, [client.localAddress ?? ''])).toEqual([])
      client.destroy()
      server.close()
    },
  )

  it('are unknown where the system does not tell', async () => {
    expect(await mac.usersOfPort(3000, LOCALHOST)).toEqual([])
  })
})
