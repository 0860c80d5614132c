/** An issuer of several addresses, on a network on which each connection takes its time. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { itNeeds, noIpv6 } from '../support/needs.ts'
import { startProgram } from '../support/program.ts'

/**
 * The first of two addresses takes the connection at its second attempt only, a second later: its
 * server is stopped while its queue is full. Nothing listens at the other address.
 */
const PROGRAM = `
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { createIssuerFetch } from './src/adapters/server/issuer-fetch.js'

const SERVER = \`
  const answer = 'HTTP/1.1 200 OK\\\\r\\\\ncontent-length: 2\\\\r\\\\n\\\\r\\\\n{}'
  const server = require('node:net').createServer((socket) => {
    socket.on('error', () => undefined).on('data', () => socket.end(answer))
  })
  server.listen({ host: '::1', port: 0, backlog: 1 }, () => console.log(server.address().port))
\`
const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
const [line] = await once(server.stdout, 'data')
const port = Number(String(line))
server.kill('SIGSTOP')
for (const socket of [connect(port, '::1'), connect(port, '::1')]) await once(socket, 'connect')
const SYN_SENT = new RegExp(':' + port.toString(16).padStart(4, '0') + ' 02 ', 'i')
const { fetch } = createIssuerFetch({ env: {} })
const signal = AbortSignal.timeout(30_000)
const asked = fetch('http://issuer.test:' + port, { method: 'GET', headers: {}, signal })
  .then(({ status }) => status, (error) => error.cause.code)
while (!SYN_SENT.test(readFileSync('/proc/net/tcp6', 'utf8'))) await setTimeout(5)
server.kill('SIGCONT')
console.log(await asked)
server.kill('SIGKILL')
process.exit()
`

/** A network and names of its own. */
const UNSHARED = ['unshare', '--mount', '--net', 'sh', '-c']

function noNetworkOfItsOwn(): string | undefined {
  const [command = '', ...args] = UNSHARED
  const done = spawnSync(command, [...args, 'ip link set lo up']).status === 0
  return done ? noIpv6() : 'it takes root, unshare and ip'
}

itNeeds(noNetworkOfItsOwn())('is reached at the first of them that answers at all', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-addresses-'))
  try {
    const hosts = join(directory, 'hosts')
    writeFileSync(hosts, '::1 issuer.test\n127.0.0.1 issuer.test\n')
    const setUp = `ip link set lo up && mount --bind ${hosts} /etc/hosts && exec "$0" "$@"`
    const program = startProgram(PROGRAM, { under: [...UNSHARED, setUp] })
    expect(await program.line()).toBe('200')
    expect(await program.ended).toMatchObject({ end: 0 })
  } finally {
    rmSync(directory, { recursive: true })
  }
})
