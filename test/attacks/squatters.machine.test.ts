/** A squatter on the daemon's port while the daemon is down: nothing of ours shows it the access key. */
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../cli/stand-in.ts'
import { type Home, startDaemonProcess } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { homeLeftByKill, pythonClient, shell } from './left-home.ts'
import { type AnswerTo, httpJson, LOOPBACKS, startRelay, startSquatter } from './squatter.ts'

const names = [
  'localhost',
  ...LOOPBACKS.map((address) => (isIPv6(address) ? `[${address}]` : address)),
]

/** How a squatter may try to be shown the key. */
const TRICKS: Readonly<Record<string, AnswerTo>> = {
  'asks for the key': () =>
    httpJson({ error: 'invalid_key' }, '401 Unauthorized', ['WWW-Authenticate: Bearer']),
  'makes up a proof': () => httpJson({ status: 'ok', proof: 'a'.repeat(64) }),
  'gives the nonce back as the proof': (request) =>
    httpJson({ status: 'ok', proof: /nonce=([0-9a-f]*)/.exec(request)?.[1] }),
  'gives no proof': () => httpJson({ status: 'ok' }),
  'leads on to another place': () => httpJson({}, '307 Temporary Redirect', ['Location: /v1/apps']),
  'answers with a token at once': () =>
    httpJson({ app: 'evo-me', access_token: 'of-the-squatter', expires_in: 3600 }),
}

let home: Home
let key: string
let port: number

beforeAll(async () => {
  ;({ home, key, port } = await homeLeftByKill())
})
afterAll(() => home.remove())

/** On both families, as another user could take them once the daemon is gone. */
async function squat(answer: AnswerTo) {
  const squatters = await Promise.all(
    LOOPBACKS.map((host) => startSquatter({ host, port }, answer)),
  )
  return {
    heard: () => squatters.map(({ heard }) => heard).join(''),
    async [Symbol.asyncDispose]() {
      for (const squatter of squatters) await squatter[Symbol.asyncDispose]()
    },
  }
}

function expectNoKey(heard: string): void {
  expect(heard).not.toContain(key)
  expect(heard).not.toMatch(/authorization/i)
}

describe('a squatter on the port of a daemon that was killed', () => {
  it.each(Object.entries(TRICKS))('is shown no key where it %s', async (_, answer) => {
    await using squatters = await squat(answer)
    const { code, stdout } = await run(home, ['get', 'evo-me', '--url', `http://127.0.0.1:${port}`])
    expect([4, 6]).toContain(code)
    expect(stdout).toBe('')
    expect(squatters.heard()).toContain('GET /healthz?caller=local&nonce=')
    expectNoKey(squatters.heard())
  })

  it.each(['get evo-me', 'refresh evo-me', 'status', 'status --watch', 'run evo-me -- true'])(
    'is shown no key by `%s`, whatever name it goes by',
    async (line) => {
      await using squatters = await squat(() => httpJson({ status: 'ok' }))
      const [words = [], rest = []] = line.split(' -- ').map((part) => part.split(' '))
      const tail = rest.length > 0 ? ['--', ...rest] : []
      const keyFile = join(home.stateDir, 'access-key')
      for (const name of names) {
        const url = `http://${name}:${port}`
        const options = ['--url', url, '--key-file', keyFile]
        expect(await run(home, [...words, ...options, ...tail])).toMatchObject({ code: 6 })
        const more = { EVO_TOKEN_URL: url, EVO_TOKEN_KEY_FILE: keyFile }
        expect(await run(home, [...words, ...tail], { more })).toMatchObject({ code: 6 })
      }
      expect(squatters.heard().match(/GET \/healthz/g)).toHaveLength(2 * names.length)
      expectNoKey(squatters.heard())
    },
  )

  it('is shown no key by a client that finds the URL where the daemon wrote it', async () => {
    await using squatters = await squat(() => httpJson({ status: 'ok' }))
    expect(await run(home, ['get', 'evo-me'])).toMatchObject({ code: 4 })
    expect(squatters.heard()).toMatch(/^GET \/healthz/)
    expectNoKey(squatters.heard())
  })

  itNeeds(missingCommands('python3'))('is shown no key by the Python client', async () => {
    await using squatters = await squat(() => httpJson({ status: 'ok' }))
    const unasked = await pythonClient(home)
    expect(unasked).toMatchObject({ code: 1, stdout: '' })
    expect(unasked.stderr).toContain('DaemonNotRunning')
    expectNoKey(squatters.heard())
    const url = { EVO_TOKEN_URL: `http://127.0.0.1:${port}` }
    const unproven = await pythonClient(home, 'evo-me', url)
    expect(unproven.stderr).toContain('Refused: What listens on')
    expectNoKey(squatters.heard())
  })

  itNeeds(missingCommands('curl'))('is not even asked by the functions for the shell', async () => {
    await using squatters = await squat(() => httpJson({ status: 'ok' }))
    expect(await shell(home, 'evo_token evo-me')).toMatchObject({ code: 4, stdout: '' })
    expect(squatters.heard()).toBe('')
  })
})

describe('a daemon that is back on another port', () => {
  it('proves nothing for the squatter on its old one that passes the question on', async () => {
    await using daemon = await startDaemonProcess(home)
    await using relay = await startRelay({ host: '127.0.0.1', port }, new URL(daemon.url))
    expect(daemon.url).not.toContain(String(port))
    const ask = ['get', 'evo-me', '--url']
    const relayed = await run(home, [...ask, `http://127.0.0.1:${port}`])
    expect(relayed).toMatchObject({ code: 6, stdout: '' })
    expect(relay.heard).toContain('GET /healthz')
    expectNoKey(relay.heard)
    expect(await run(home, [...ask, daemon.url])).toMatchObject({ code: 0 })
  })

  itNeeds(missingCommands('python3'))('is found by the Python client', async () => {
    await using _daemon = await startDaemonProcess(home)
    const { stdout } = await run(home, ['get', 'evo-me'])
    expect(await pythonClient(home)).toMatchObject({ code: 0, stdout })
    const unknown = await pythonClient(home, 'evo-none')
    expect(unknown.stderr).toContain('Refused: No app named "evo-none" is configured.')
  })
})
