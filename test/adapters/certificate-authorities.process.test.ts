import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCertificates } from '../../src/adapters/server/certificate-authorities.ts'
import { createCertificates } from '../support/certificates.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { startProgram } from '../support/program.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-ca-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

describe('a file of certificate authorities', () => {
  it.each([
    ['a named pipe', (path: string) => execFileSync('mkfifo', [path]), 'is not a regular file'],
    [
      'a sparse file of 2 GB',
      (path: string) => {
        writeFileSync(path, '')
        truncateSync(path, 2_000_000_000)
      },
      'is longer than 1 MiB',
    ],
    [
      'a million beginnings without an end',
      (path: string) => {
        writeFileSync(path, '-----BEGIN CERTIFICATE-----'.repeat(38_000))
      },
      'holds no PEM certificate',
    ],
  ])('that is %s is refused at once', (_, make, said) => {
    const path = join(directory, 'ca.pem')
    make(path)
    expect(() => readCertificates(path, '"ca"')).toThrow(said)
  })

  itNeeds(missingCommands('openssl'))('that PowerShell wrote in UTF-16 is read', async () => {
    const [{ ca }] = createCertificates(directory, 'localhost')
    const pem = readFileSync(ca, 'utf8')
    const path = join(directory, 'utf-16.pem')
    writeFileSync(path, `\ufeff${pem.replaceAll('\n', '\r\n')}`, 'utf16le')
    expect(readCertificates(path, '"ca"')).toHaveLength(1)
  })

  it('that is an endless device is refused at once', () => {
    expect(() => readCertificates('/dev/zero', '"ca"')).toThrow('is not a regular file')
  })
})

/** Says of each server whether an issuer there would be trusted, without "ca" and with it. */
const PROGRAM = `
import { createIssuerFetch } from './src/adapters/server/issuer-fetch.js'
const { CA, SERVERS } = process.env
const trusts = []
for (const ca of [undefined, CA]) {
  const { fetch, close } = createIssuerFetch({ env: process.env, ...(ca && { ca }) })
  for (const url of SERVERS.split(' ')) {
    const options = { method: 'GET', headers: {}, signal: AbortSignal.timeout(30_000) }
    trusts.push(await fetch(url, options).then(({ status }) => status === 200, () => false))
  }
  close()
}
console.log(JSON.stringify(trusts))
process.exit()
`

describe('the certificate authorities of "ca"', () => {
  itNeeds(missingCommands('openssl'))('add to those of the system, and replace none', async () => {
    const servers = []
    const authorities: string[] = []
    for (const name of ['system', 'company']) {
      const own = join(directory, name)
      mkdirSync(own)
      const [{ ca, ...keys }] = createCertificates(own, 'localhost')
      const server = createServer(keys, (_, response) => response.end('{}')).listen(0, '127.0.0.1')
      await once(server, 'listening')
      servers.push(server)
      authorities.push(ca)
    }
    try {
      const [system = '', company = ''] = authorities
      const urls = servers.map(
        (server) => `https://localhost:${(server.address() as AddressInfo).port}/`,
      )
      // Where OpenSSL, and Node with NODE_USE_SYSTEM_CA, take the store of the system from.
      const env = { PATH: process.env.PATH, NODE_USE_SYSTEM_CA: '1', SSL_CERT_FILE: system }
      const program = startProgram(PROGRAM, {
        env: { ...env, CA: company, SERVERS: urls.join(' ') },
      })
      const [bySystem, unasked, still, asked] = JSON.parse(await program.line()) as boolean[]
      expect({ unasked, asked }).toEqual({ unasked: false, asked: true })
      // A Node that does not know the variable trusts the system's neither before nor after.
      expect(still).toBe(bySystem)
      if (Number(process.versions.node.split('.')[0]) >= 24) expect(bySystem).toBe(true)
    } finally {
      for (const server of servers) server.close()
    }
  })
})
