/** The core of the Python client, on the machine's own Python with no package, against a real daemon. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'

const PACKAGE = join(import.meta.dirname, '../../clients/python')
const SCOPES = ['evo.discovery', 'evo.workspace']

function noPython(): string | undefined {
  const missing = missingCommands('python3')
  if (missing !== undefined) return missing
  const { status } = spawnSync('python3', [
    '-c',
    'import sys; sys.exit(sys.version_info < (3, 10))',
  ])
  return status === 0 ? undefined : 'python3 is older than 3.10'
}

describe('the Python client', () => {
  const missing = noPython()
  let server: RunningAuthorizationServer
  let home: Home
  let daemon: DaemonProcess

  beforeAll(async () => {
    server = await startAuthorizationServer({ accessTokenTtlS: 4 })
    home = await createHome({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: {
        pipeline: { type: 'service', clientId: server.clients.service.clientId, scopes: SCOPES },
        me: { type: 'native', clientId: server.clients.native.clientId, scopes: SCOPES },
      },
    })
    daemon = await startDaemonProcess(home)
    const { clientSecret } = server.clients.service
    expect(await runCli(home, ['secret', 'pipeline'], { input: clientSecret })).toMatchObject({
      code: 0,
    })
  })

  afterAll(async () => {
    await daemon.stop()
    await home.remove()
    await server.close()
  })

  const environment = () => ({
    ...home.env,
    PYTHONPATH: join(PACKAGE, 'src'),
    PYTHONDONTWRITEBYTECODE: '1',
    EVO_TEST_URL: daemon.url,
    EVO_TEST_KEY_FILE: join(home.stateDir, 'access-key'),
  })

  /** -S: without whatever packages the machine has. */
  const python = (...args: string[]) =>
    spawn('python3', ['-S', '-W', 'error', ...args], { env: environment(), cwd: PACKAGE })

  itNeeds(missing)('does what its own tests say', async () => {
    const tests = python('-m', 'unittest', 'discover', '-s', 'tests', '-p', 'test_core.py')
    const [said, [code]] = await Promise.all([
      text(tests.stderr),
      once(tests, 'exit') as Promise<[number | null]>,
    ])
    expect(code, said).toBe(0)
    expect(said).toMatch(/Ran \d\d tests/)
  })

  itNeeds(missing)('bears with a daemon that is restarted', async () => {
    // It waits as long as the test says, instead of a second.
    const script = `
import time
from evo_token import TokenClient
client = TokenClient()
print(client.get_token('pipeline').app, flush=True)
input()
time.sleep = lambda s: (print('waits', flush=True), input())
client._tokens.clear()
print(client.get_token('pipeline').app, flush=True)`
    const job = python('-c', script)
    const lines = createInterface(job.stdout)[Symbol.asyncIterator]()
    expect(await lines.next()).toMatchObject({ value: 'pipeline' })
    await daemon.stop()
    job.stdin.write('\n')
    expect(await lines.next()).toMatchObject({ value: 'waits' })
    daemon = await startDaemonProcess(home)
    job.stdin.write('\n')
    expect(await lines.next(), await text(job.stderr)).toMatchObject({ value: 'pipeline' })
  })

  itNeeds(missing)('needs no argument in what `evo-token run` starts', async () => {
    const script = 'from evo_token import get_token; print(get_token().app)'
    const args = ['run', 'pipeline', '--', 'python3', '-c', script]
    const ran = await runCli(home, args, { env: environment() })
    expect(ran).toMatchObject({ code: 0, stdout: 'pipeline\n' })
  })

  itNeeds(missing)('asks there as the caller that `evo-token run` is', async () => {
    const added = await runCli(home, ['caller', 'add', 'batch', '--app', 'pipeline'])
    const keyFile = join(home.directory, 'batch-key')
    await writeFile(keyFile, added.stdout, { mode: 0o600 })
    const ask = 'from evo_token import TokenClient; print(TokenClient().ask("GET", "/v1/apps"))'
    const place = ['--url', daemon.url, '--key-file', keyFile, '--caller', 'batch']
    const args = ['run', 'pipeline', ...place, '--', 'python3', '-c', ask]
    const ran = await runCli(home, args, { env: environment() })
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stdout).toContain("'app': 'pipeline'")
    expect(ran.stdout).not.toContain("'app': 'me'")
  })
})
