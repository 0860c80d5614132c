/**
 * schemathesis asks a throw-away daemon all that /openapi.json allows, and much that it does not, on
 * both doors, and holds each answer against the description. What is left out is in `schemathesis/`, with
 * the reasons.
 *
 * Each run asks the same, but for the ids and instants that it was given. With `EVO_TOKEN_FUZZ_S`
 * it hunts: for so many seconds on each door it asks what no run has asked.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, vi } from 'vitest'
import { seededHome } from './faults/seeded-home.ts'
import { EVO_SCOPES, startAuthorizationServer } from './support/authorization-server.ts'
import { type Home, runCli, startDaemonProcess } from './support/daemon-process.ts'
import { itNeeds } from './support/needs.ts'

const PYTHON = process.env.EVO_TOKEN_PYTHON
const SCHEMATHESIS = PYTHON === undefined ? '' : join(dirname(PYTHON), 'schemathesis')
const missing = PYTHON === undefined ? 'EVO_TOKEN_PYTHON is not set' : undefined

const { EVO_TOKEN_FUZZ_S: huntS } = process.env

/** A seed repeats a run only where no clock ends it. */
const HOW_MUCH =
  huntS === undefined ? ['--seed', '1', '--max-examples', '25'] : ['--max-time', huntS]

/** Lets a program that knows TCP alone use the owner socket at `path`. */
async function startRelay(path: string) {
  const relay = createServer((program) => {
    const daemon = connect(path)
    program.pipe(daemon).pipe(program)
    for (const [one, other] of [
      [program, daemon],
      [daemon, program],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const address = relay.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.dispose]: () => relay.close(),
  }
}

/** How many requests it sent. Rejects where an answer is not as described, with what schemathesis said. */
async function fuzz(
  home: Home,
  { name, url, header }: { readonly name: string; readonly url: string; readonly header: string },
): Promise<number> {
  const args = [
    ...['--config-file', join(import.meta.dirname, `schemathesis/${name}.toml`)],
    ...['run', `${url}/openapi.json`],
    ...HOW_MUCH,
    ...['--header', header],
  ]
  const done = promisify(execFile)(SCHEMATHESIS, args, {
    cwd: home.directory,
    env: {
      ...home.env,
      NO_COLOR: '1',
      PYTHONHASHSEED: '0',
      PYTHONWARNINGS: 'ignore',
      SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'schemathesis/described_body.py'),
    },
    maxBuffer: 64 * 1024 * 1024,
  })
  const { stdout } = await done.catch((error: unknown) => {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${stdout}${stderr}`)
  })
  return Number(/^ *(\d+) generated/m.exec(stdout)?.[1])
}

// A minute, and some of them on a machine that is busy.
vi.setConfig({ testTimeout: (480 + 4 * Number(huntS ?? 0)) * 1000 })

itNeeds(missing)('answers as /openapi.json says, whatever is asked, on both doors', async () => {
  await using server = await startAuthorizationServer()
  const { clientId, clientSecret } = server.clients.service
  await using home = await seededHome(server, {
    apps: { me: 'fresh' },
    others: { robot: { type: 'service', clientId, scopes: EVO_SCOPES } },
  })
  await using daemon = await startDaemonProcess(home)
  await runCli(home, ['secret', 'robot'], { input: clientSecret })
  const key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
  using relay = await startRelay(daemon.socket)
  for (const door of [
    { name: 'tcp', url: daemon.url, header: `Authorization:Bearer ${key}` },
    { name: 'owner', url: relay.url, header: 'Host:localhost' },
  ]) {
    expect(await fuzz(home, door)).toBeGreaterThan(100)
  }
  // A bug is a line of its own.
  expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([])
})
