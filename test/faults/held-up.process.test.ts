/** A process that is held up (stopped, or on a machine that swaps) while the answer to its request arrives. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { connect, grantOf, scriptedApp, spending } from '../support/issuer.ts'

/** Tells of each request when it comes, and answers it a little later. */
const SERVER = `
const { createServer } = require('node:http')
const server = createServer((request, response) => {
  console.log('asked')
  request.resume()
  setTimeout(() => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: 'at-2', token_type: 'Bearer', expires_in: 60 }))
  }, 50)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

it('reads an answer that came while it was held up for longer than a request may take', async () => {
  const child = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const lines = createInterface(child.stdout)
    const port = await new Promise<string>((resolve) => lines.once('line', resolve))
    const server = connect(scriptedApp(`http://127.0.0.1:${port}`), { timeoutMs: 300 })
    lines.once('line', () => {
      // Nothing runs on this thread meanwhile, as when it is stopped.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900)
    })
    const outcome = await server.refresh(new Secret('rt-1'), spending())
    expect(grantOf(outcome).accessToken.expose()).toBe('at-2')
  } finally {
    child.kill('SIGKILL')
  }
})
