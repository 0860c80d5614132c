import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { MAIN } from '../support/daemon-process.ts'
import { until } from '../support/until.ts'
import { type StandIn, startStandIn, token, writeEndpoint } from './stand-in.ts'

const TOKEN = { 'GET /v1/apps/evo-me/token': () => ({ json: token() }) }

function start({ env }: StandIn, args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [MAIN, 'run', 'evo-me', ...args], {
    env: { ...env, ...more },
  })
  // Not every program reads it.
  child.stdin.on('error', () => undefined)
  child.stdin.end('what is typed')
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const ended = async () => {
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, stdout: await stdout, stderr: await stderr }
  }
  return { child, ended: ended() }
}

const run = async (...args: Parameters<typeof start>) => start(...args).ended

const print = (...names: string[]) => [
  'sh',
  '-c',
  names.map((name) => `echo "${name}=$${name}"`).join('; '),
]

it('gives the program the token, and no list of processes shows it', async () => {
  await using daemon = await startStandIn(TOKEN)
  const { code, stdout } = await run(daemon, [
    ...['--', 'sh', '-c'],
    'echo "$EVO_ACCESS_TOKEN $EVO_TOKEN_APP"; tr "\\0" " " </proc/$PPID/cmdline 2>/dev/null; :',
  ])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^opaque-token-of-evo-me evo-me\n/)
  expect(stdout.split('\n')[1]).not.toContain('opaque-token')
})

it('gives it under another name where one is given', async () => {
  await using daemon = await startStandIn(TOKEN)
  const args = ['--env', 'TOKEN', '--', ...print('TOKEN', 'EVO_ACCESS_TOKEN')]
  expect(await run(daemon, args)).toMatchObject({
    stdout: 'TOKEN=opaque-token-of-evo-me\nEVO_ACCESS_TOKEN=\n',
  })
})

it('tells the program where to ask for the next token', async () => {
  await using daemon = await startStandIn(TOKEN)
  writeEndpoint(daemon, { socket: daemon.socket, url: 'http://127.0.0.1:13860', pid: 1 })
  const keyFile = join(daemon.stateDir, 'access-key')
  writeFileSync(keyFile, 'evtk_key', { mode: 0o600 })
  expect(await run(daemon, ['--', ...print('EVO_TOKEN_URL', 'EVO_TOKEN_KEY_FILE')])).toMatchObject({
    stdout: `EVO_TOKEN_URL=http://127.0.0.1:13860\nEVO_TOKEN_KEY_FILE=${keyFile}\n`,
  })
})

it('tells it nothing of a daemon that is not the one that was asked', async () => {
  await using daemon = await startStandIn(TOKEN)
  await using usual = await startStandIn({})
  writeEndpoint(usual, { socket: usual.socket, url: 'http://127.0.0.1:13860', pid: 1 })
  const args = ['--socket', daemon.socket, '--', ...print('EVO_TOKEN_URL')]
  expect(await run(usual, args)).toMatchObject({ stdout: 'EVO_TOKEN_URL=\n' })
})

it('leaves stdin to the program, and its options', async () => {
  await using daemon = await startStandIn(TOKEN)
  expect(await run(daemon, ['--', 'cat', '-'])).toMatchObject({ stdout: 'what is typed' })
})

it.each([
  ['exit 0', 0],
  ['exit 42', 42],
  ['kill -KILL $$', 137],
  ['kill -TERM $$', 143],
])('ends as the program does: %s is %i', async (script, code) => {
  await using daemon = await startStandIn(TOKEN)
  expect(await run(daemon, ['--', 'sh', '-c', script])).toMatchObject({ code, stderr: '' })
})

it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
  'passes %s on, and waits for what the program makes of it',
  async (signal) => {
    await using daemon = await startStandIn(TOKEN)
    const script = `trap 'echo got it; exit 9' ${signal.slice(3)}; echo ready; while :; do sleep 0.1; done`
    const { child, ended } = start(daemon, ['--', 'sh', '-c', script])
    await once(child.stdout, 'data')
    child.kill(signal)
    expect(await ended).toMatchObject({ code: 9, stdout: 'ready\ngot it\n' })
  },
)

it('says with 127 that there is no such program, and with 126 that it is none', async () => {
  await using daemon = await startStandIn(TOKEN)
  // A directory on the PATH that may not be read would make it another error.
  const path = { PATH: '/usr/bin:/bin' }
  const missing = await run(daemon, ['--', 'no-such-program'], path)
  expect(missing).toMatchObject({ code: 127, stdout: '' })
  expect(missing.stderr).toContain('"no-such-program" cannot be run: it is not there (ENOENT)')
  const file = join(daemon.directory, 'file')
  writeFileSync(file, '', { mode: 0o600 })
  expect(await run(daemon, ['--', file])).toMatchObject({ code: 126 })
})

it('does not start the program without a token', async () => {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ problem: { error: 'login_required' } }),
  })
  expect(await run(daemon, ['--', 'echo', 'started'])).toMatchObject({ code: 3, stdout: '' })
})

it('is silent where no program reads what is printed', async () => {
  await using daemon = await startStandIn(TOKEN)
  const child = spawn(process.execPath, [MAIN, 'get', 'evo-me'], { env: daemon.env })
  child.stdout.destroy()
  const stderr = text(child.stderr)
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(await stderr).toBe('')
  await until('the daemon was asked', () => daemon.asked.length === 1)
})
