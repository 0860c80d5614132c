/** What a caller sees of the apps that are not its own: nothing, wherever it looks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../src/secret.ts'
import { ask } from '../faults/owner.ts'
import { openStream } from './open-stream.ts'
import { ABSENT, HIDDEN, MINE, startTwoApps, type TwoApps } from './two-apps.ts'

let apps: TwoApps
let key: string

beforeAll(async () => {
  apps = await startTwoApps()
  key = await apps.addCaller('notebook')
})
afterAll(() => apps[Symbol.asyncDispose]())

const PATHS = (app: string) => [
  `/v1/apps/${app}`,
  `/v1/apps/${app}/token`,
  `/v1/apps/${app}/token?wait=x`,
  `/v1/apps/${app}/refresh`,
  `/v1/apps/${app}/login`,
  `/v1/apps/${app}/login/1`,
  `/v1/apps/${app}/login/1/callback`,
  `/v1/apps/${app}/logout`,
  `/v1/apps/${app}/client-secret`,
  `/v1/apps/${app}/nothing`,
  `/readyz/${app}`,
  `/metrics?app=${app}`,
]

describe('an app that a caller may not use', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])(
    'is answered, byte by byte, as one that does not exist: %s',
    async (method) => {
      for (const [at, path] of PATHS(HIDDEN).entries()) {
        const hidden = await apps.raw(method, path, key)
        const absent = await apps.raw(method, PATHS(ABSENT)[at] ?? '', key)
        // That one takes no name, and tells of the caller's own apps whatever stands behind it.
        if (!path.startsWith('/metrics')) expect(hidden, path).toMatch(/^HTTP\/1\.1 4\d\d /)
        expect(hidden.replaceAll(HIDDEN, ABSENT)).toBe(absent)
      }
      const own = await apps.raw(method, `/v1/apps/${MINE}/token`, key)
      if (method === 'GET' || method === 'HEAD') expect(own).toMatch(/^HTTP\/1\.1 200 /)
    },
  )

  it('is in no list, no readiness, no metric and no description', async () => {
    for (const path of ['/v1/apps', '/readyz', '/metrics', '/openapi.json', '/healthz', '/']) {
      expect(await apps.raw('GET', path, key), path).not.toContain(HIDDEN)
    }
    expect(await apps.raw('GET', '/v1/apps', key)).toContain(MINE)
    expect(await apps.raw('GET', '/readyz', key)).toContain(MINE)
  })

  it('is in no event, neither at once nor when it changes', async () => {
    await using stream = await openStream(apps.daemon.url, key)
    await stream.untilEvents(1)
    await apps.change(HIDDEN)
    await apps.change(MINE)
    // At least one more, which came after those of the other app would have.
    await stream.untilEvents(2)
    expect(stream.text).not.toContain(HIDDEN)
    const { body } = await ask(apps.daemon.socket, '/v1/apps')
    expect(JSON.stringify(body)).toContain(HIDDEN)
  })
})

describe('the log', () => {
  it('has one line for each token that is handed out, with caller, app and fingerprint, and no secret', async () => {
    const last = await apps.addCaller('last')
    const served = () => apps.daemon.log.filter(({ msg }) => msg === 'token served')
    const before = served().length
    const path = `/v1/apps/${MINE}/token`
    const answers = [
      await apps.raw('GET', path, key),
      await apps.raw('GET', path, key, ['Accept: text/plain']),
      await apps.raw('POST', `/v1/apps/${MINE}/refresh`, key),
      JSON.stringify((await ask(apps.daemon.socket, path)).body),
    ]
    // None of these hands one out.
    await apps.raw('HEAD', path, key)
    await apps.raw('GET', path, 'evtk_of-nobody')
    await apps.raw('GET', `/v1/apps/${HIDDEN}/token`, key)
    answers.push(await apps.raw('GET', path, last))
    await apps.daemon.logged(({ msg, caller }) => msg === 'token served' && caller === 'last')

    const tokens = answers.map((answer) => /eyJ[\w.-]+/.exec(answer)?.[0] ?? '')
    const callers = ['notebook', 'notebook', 'notebook', 'owner', 'last']
    const lines = served().slice(before)
    expect(lines.map(({ caller, app, fingerprint }) => ({ caller, app, fingerprint }))).toEqual(
      tokens.map((token, at) => ({
        caller: callers[at],
        app: MINE,
        fingerprint: sha256Hex(token).slice(0, 8),
      })),
    )
    const all = JSON.stringify(apps.daemon.log)
    for (const secret of [key, last, ...tokens.flatMap((token) => token.split('.', 2))]) {
      expect(all).not.toContain(secret)
    }
  })
})
