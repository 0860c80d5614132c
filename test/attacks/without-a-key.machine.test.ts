/** What another user of the machine learns over TCP, without a key: nothing about apps and callers. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { ask } from '../faults/owner.ts'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { noOtherUser, runAs } from './as-nobody.ts'
import { ABSENT, MINE, startTwoApps, type TwoApps } from './two-apps.ts'

const it = itNeeds(noOtherUser)

let apps: TwoApps

beforeAll(async () => {
  apps = await startTwoApps()
})
afterAll(() => apps[Symbol.asyncDispose]())

async function asNobody(...command: readonly string[]): Promise<string> {
  return (await runAs('nobody', command)).stdout
}

async function curl(path: string, ...options: readonly string[]): Promise<string> {
  const url = `${apps.daemon.url}${path}`
  return (await asNobody('curl', '-sS', '-i', ...options, url)).replace(/^Date: .*$/m, 'Date: …')
}

describe('over TCP, another user', () => {
  const ROUTES = [
    '/v1/apps',
    '/readyz',
    '/v1/events',
    '/metrics',
    '/v1/callers',
    ...[MINE, ABSENT].flatMap((app) => [
      `/v1/apps/${app}`,
      `/v1/apps/${app}/token`,
      `/readyz/${app}`,
      `/v1/apps/${app}/login`,
    ]),
  ]

  it('gets the same 401 for everything without a key, be there such an app or not', async () => {
    const answers = await Promise.all(ROUTES.map((path) => curl(path)))
    expect(answers[0]).toMatch(/^HTTP\/1\.1 401 /)
    expect(answers[0]).toContain('"error":"invalid_key"')
    expect(answers[0]).toMatch(/^WWW-Authenticate: Bearer\r$/m)
    expect(new Set(answers).size).toBe(1)
  })

  it('gets the same 401 for a key that is none, whatever the method', async () => {
    const key = ['-H', `Authorization: Bearer evtk_${'A'.repeat(43)}`]
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const [there, notThere] = await Promise.all(
        [MINE, ABSENT].map((app) => curl(`/v1/apps/${app}/token`, '-X', method, ...key)),
      )
      expect(there).toMatch(/^HTTP\/1\.1 401 /)
      expect(there).toBe(notThere)
    }
  })

  it('learns from no proof whether there is such a caller', async () => {
    const [known, unknown] = await Promise.all(
      ['local', 'nobody-s'].map((name) => curl(`/healthz?caller=${name}&nonce=1`)),
    )
    expect(known).toMatch(/"proof":"[0-9a-f]{64}"/)
    const proof = /[0-9a-f]{64}/
    expect(known?.replace(proof, '…')).toBe(unknown?.replace(proof, '…'))
  })

  it('learns no app from the listener of a sign-in that waits for its answer', async () => {
    expect(await ask(apps.daemon.socket, `/v1/apps/${MINE}/login`, 'POST')).toMatchObject({
      status: 200,
    })
    for (const query of ['', '?state=x&code=y', '?state=x&error=access_denied']) {
      const answer = await asNobody('curl', '-sS', '-i', `${apps.redirectUri}${query}`)
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      expect(answer).not.toContain(MINE)
    }
  })

  it('learns no app from the command line of the daemon', async () => {
    const line = await asNobody('cat', `/proc/${apps.daemon.pid}/cmdline`)
    expect(line.split('\0')).toEqual([process.execPath, MAIN, 'serve', ''])
  })
})
