import { describe, expect, it } from 'vitest'
import { captureIo } from '../support/captured-io.ts'
import { runCli } from '../../src/cli/run.ts'
import { run, type StandIn, startStandIn, status, token } from './stand-in.ts'

const one = { 'GET /v1/apps': () => ({ json: { apps: [status()] } }) }
const two = {
  'GET /v1/apps': () => ({ json: { apps: [status(), status({ app: 'evo-you' })] } }),
}
const served = {
  'GET /v1/apps/evo-me/token': () => ({ json: token() }),
  'GET /v1/apps/evo-you/token': () => ({ json: token({ app: 'evo-you', access_token: 'yours' }) }),
  'GET /v1/apps/evo-me': () => ({ json: status({ fingerprint: '00000000' }) }),
  'POST /v1/apps/evo-me/refresh': () => ({ json: token() }),
  'POST /v1/apps/evo-me/logout': () => ({ json: { revoked: true } }),
}

describe('a command without an app', () => {
  it.each([
    [['get'], 'opaque-token-of-evo-me\n'],
    [['export'], 'export EVO_ACCESS_TOKEN=opaque-token-of-evo-me\nexport EVO_TOKEN_APP=evo-me\n'],
    [['refresh'], / 50 min\n$/],
  ])('means the one app that is configured: %j', async (args, said) => {
    await using daemon = await startStandIn({ ...one, ...served })
    const { code, stdout } = await run(daemon, args)
    expect(code).toBe(0)
    expect(stdout).toMatch(said)
  })

  it('means it in `run`, where the program stands behind --', async () => {
    await using daemon = await startStandIn({ ...one, ...served })
    const script = 'process.exit(process.env.EVO_TOKEN_APP === "evo-me" ? 9 : 1)'
    expect((await run(daemon, ['run', '--', process.execPath, '-e', script])).code).toBe(9)
  })

  it('means what EVO_TOKEN_APP names, whatever is configured', async () => {
    await using daemon = await startStandIn({ ...one, ...served })
    const named = await run(daemon, ['get'], { more: { EVO_TOKEN_APP: 'evo-you' } })
    expect(named.stdout).toBe('yours\n')
    const typed = await run(daemon, ['get', 'evo-me'], { more: { EVO_TOKEN_APP: 'evo-you' } })
    expect(typed.stdout).toBe('opaque-token-of-evo-me\n')
  })

  it('is told the apps where there are several', async () => {
    await using daemon = await startStandIn({ ...two, ...served })
    const { code, stderr } = await run(daemon, ['get'])
    expect(code).toBe(2)
    expect(stderr).toContain('needs APP, one of evo-me, evo-you; or set EVO_TOKEN_APP to it')
  })

  it('is told how to describe one where there is none', async () => {
    await using daemon = await startStandIn({ 'GET /v1/apps': () => ({ json: { apps: [] } }) })
    const { code, stderr } = await run(daemon, ['login'])
    expect(code).toBe(2)
    expect(stderr).toContain('evo-token init')
  })

  it('does not repeat what stands in EVO_TOKEN_APP and is no name', async () => {
    await using daemon = await startStandIn(one)
    const { code, stderr } = await run(daemon, ['get'], { more: { EVO_TOKEN_APP: 'A secret' } })
    expect(code).toBe(2)
    expect(stderr).toContain('EVO_TOKEN_APP is not the name of an app')
    expect(stderr).not.toContain('A secret')
  })

  it('says that EVO_TOKEN_APP named the app that is not there', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-old/token': () => ({
        problem: { error: 'unknown_app', detail: 'No app named "evo-old" is configured.' },
      }),
    })
    const { code, stderr } = await run(daemon, ['get'], { more: { EVO_TOKEN_APP: 'evo-old' } })
    expect(code).toBe(6)
    expect(stderr).toContain('EVO_TOKEN_APP names this app.')
  })
})

describe('logout without an app', () => {
  async function answered(daemon: StandIn, keys: string) {
    const captured = captureIo({ env: daemon.env, isTTY: true })
    const code = runCli(['logout'], captured.io)
    await captured.type('Sign out of evo-me?', keys)
    return code
  }
  const out = (daemon: StandIn) => daemon.asked.filter(({ method }) => method === 'POST').length

  it('asks first, and changes nothing unless told yes', async () => {
    await using daemon = await startStandIn({ ...one, ...served })
    expect([await answered(daemon, '\r'), out(daemon)]).toEqual([1, 0])
    expect([await answered(daemon, '\x03'), out(daemon)]).toEqual([1, 0])
    expect([await answered(daemon, 'y\r'), out(daemon)]).toEqual([0, 1])
  })

  it('refuses where there is no terminal, and takes --yes', async () => {
    await using daemon = await startStandIn({ ...one, ...served })
    const refused = await run(daemon, ['logout'])
    expect([refused.code, out(daemon)]).toEqual([2, 0])
    expect(refused.stderr).toContain('--yes')
    expect((await run(daemon, ['logout', '--yes'])).code).toBe(0)
    expect(out(daemon)).toBe(1)
  })
})
