import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run, startStandIn, status, token } from './stand-in.ts'

const KEY = 'evtk_the-key-of-the-notebook'

describe('logout', () => {
  it.each([
    [true, 'and its tokens are revoked'],
    [false, 'did not confirm'],
  ])('says whether the tokens are revoked: %s', async (revoked, said) => {
    await using daemon = await startStandIn({
      'POST /v1/apps/evo-me/logout': () => ({ json: { revoked } }),
    })
    const { code, stdout, stderr } = await run(daemon, ['logout', 'evo-me'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain(said)
  })
})

describe('refresh', () => {
  const fingerprint = createHash('sha256')
    .update('opaque-token-of-evo-me')
    .digest('hex')
    .slice(0, 8)

  it('prints the fingerprint of the new token and how long it lives', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me': () => ({ json: status({ fingerprint: '00000000' }) }),
      'POST /v1/apps/evo-me/refresh': () => ({ json: token() }),
    })
    expect(await run(daemon, ['refresh', 'evo-me'])).toEqual({
      code: 0,
      stdout: `${fingerprint} 50 min\n`,
      stderr: '',
    })
  })

  it('says that the new token does not end', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me': () => ({ json: status({ fingerprint: '00000000' }) }),
      'POST /v1/apps/evo-me/refresh': () => ({
        json: token({ expires_in: null, expires_at: null }),
      }),
    })
    const { code, stdout } = await run(daemon, ['refresh', 'evo-me'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${fingerprint} no end\n` })
  })

  it('ends with 5 where the daemon kept the token that it had', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me': () => ({ json: status({ fingerprint }) }),
      'POST /v1/apps/evo-me/refresh': () => ({ json: token() }),
    })
    const { code, stdout, stderr } = await run(daemon, ['refresh', 'evo-me'])
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toContain(`still is ${fingerprint}`)
    expect(stderr).not.toContain('opaque-token')
  })
})

describe('reload', () => {
  it('says what changed, and what waits for a restart', async () => {
    await using daemon = await startStandIn({
      'POST /v1/reload': () => ({
        json: {
          added: ['evo-new'],
          sign_in_needed: ['evo-new'],
          changed: [],
          removed: ['evo-old', 'evo-older'],
          restart_needed: ['listen', 'ca'],
          warnings: ['apps.evo-new.scopes: "evo.workspace" is missing'],
        },
      }),
    })
    expect(await run(daemon, ['reload'])).toEqual({
      code: 0,
      stdout: '',
      stderr: [
        'warning: apps.evo-new.scopes: "evo.workspace" is missing',
        'added: evo-new',
        'removed: evo-old, evo-older',
        'evo-new needs a sign-in: evo-token login evo-new',
        'Restart the daemon for the new listen, ca.',
        'The config was read again.',
        '',
      ].join('\n'),
    })
  })

  it('ends with 2 for a config that is wrong', async () => {
    await using daemon = await startStandIn({
      'POST /v1/reload': () => ({
        problem: { error: 'config', detail: 'apps.x.type: is no type' },
      }),
    })
    expect(await run(daemon, ['reload'])).toMatchObject({
      code: 2,
      stderr: 'evo-token: apps.x.type: is no type\n',
    })
  })
})

describe('caller', () => {
  it.each([
    [[], ['*'], 'every app'],
    [['--app', 'evo-me', '--app', 'evo-web'], ['evo-me', 'evo-web'], 'evo-me, evo-web'],
  ])('add with %j prints the key alone on stdout, this once', async (args, apps, said) => {
    await using daemon = await startStandIn({
      'POST /v1/callers': () => ({ status: 201, json: { name: 'notebook', access_key: KEY } }),
    })
    const { code, stdout, stderr } = await run(daemon, ['caller', 'add', 'notebook', ...args])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${KEY}\n` })
    expect(stderr).toContain(said)
    expect(stderr).not.toContain(KEY)
    expect(daemon.asked[0]?.body).toEqual({ name: 'notebook', apps })
  })

  it('add --out keeps the key in a file of the owner alone, and prints nothing on stdout', async () => {
    await using daemon = await startStandIn({
      'POST /v1/callers': () => ({ status: 201, json: { name: 'notebook', access_key: KEY } }),
    })
    const out = join(daemon.directory, 'notebook.key')
    const add = ['caller', 'add', 'notebook', '--app', 'evo-me', '--expires', '30d', '--out', out]
    const before = Date.now()
    const { code, stdout, stderr } = await run(daemon, add)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(readFileSync(out, 'utf8')).toBe(`${KEY}\n`)
    expect(statSync(out).mode & 0o777).toBe(0o600)
    expect(stderr).toContain(`EVO_TOKEN_KEY_FILE=${out}`)
    const { expires_at: until } = daemon.asked[0]?.body as { expires_at: string }
    expect(Math.abs(Date.parse(until) - before - 30 * 86_400_000)).toBeLessThan(60_000)

    const again = await run(daemon, add)
    expect([again.code, daemon.asked.length]).toEqual([1, 1])
    expect(again.stderr).toContain('it exists already')
  })

  it('add --out says that a place is a directory, or that its directory is not there', async () => {
    await using daemon = await startStandIn({})
    const add = ['caller', 'add', 'notebook', '--out']
    const inPlace = await run(daemon, [...add, daemon.directory])
    expect(inPlace.stderr).toContain('it is a directory')
    const nowhere = join(daemon.directory, 'keys')
    const missing = await run(daemon, [...add, join(nowhere, 'notebook.key')])
    expect(missing.stderr).toContain(`there is no directory ${nowhere}`)
    expect([inPlace.code, missing.code, daemon.asked.length]).toEqual([1, 1, 0])
  })

  it('add leaves no file where the daemon refuses', async () => {
    await using daemon = await startStandIn({
      'POST /v1/callers': () => ({
        problem: { error: 'invalid_request', detail: 'No app named "evo-m" is configured.' },
      }),
    })
    const out = join(daemon.directory, 'notebook.key')
    const { code } = await run(daemon, ['caller', 'add', 'n', '--app', 'evo-m', '--out', out])
    expect([code, existsSync(out)]).toEqual([2, false])
  })

  it.each(['30', '0s', 'soon', '-1d', '9000y'])(
    'add refuses to end a key after %j',
    async (life) => {
      await using daemon = await startStandIn({})
      const { code, stderr } = await run(daemon, ['caller', 'add', 'n', `--expires=${life}`])
      expect([code, daemon.asked.length]).toEqual([2, 0])
      expect(stderr).toContain('such as 12h or 30d')
    },
  )

  it('list shows which keys expire, and when', async () => {
    const made = { apps: ['*'], created_at: '2026-01-01T00:00:00Z', last_used_at: null }
    await using daemon = await startStandIn({
      'GET /v1/callers': () => ({
        json: {
          callers: [
            { name: 'a', ...made },
            { name: 'b', ...made, expires_at: '2020-01-01T00:00:00Z' },
            { name: 'c', ...made, expires_at: '2999-01-01T00:00:00Z' },
          ],
        },
      }),
    })
    const { stdout } = await run(daemon, ['caller', 'list'])
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      'EXPIRES',
      'never',
      'expired',
      '2999-01-01T00:00:00Z',
      '',
    ])
  })

  const callers = {
    callers: [
      { name: 'local', apps: ['*'], created_at: '2026-01-01T00:00:00Z', last_used_at: null },
      {
        name: 'notebook',
        apps: ['evo-me', 'evo-web'],
        created_at: '2026-01-02T00:00:00Z',
        last_used_at: '2026-01-03T00:00:00Z',
      },
    ],
  }

  it('list shows who may use what, and who did', async () => {
    await using daemon = await startStandIn({ 'GET /v1/callers': () => ({ json: callers }) })
    expect(await run(daemon, ['caller', 'list'])).toMatchObject({
      code: 0,
      stdout: [
        'CALLER    APPS            MADE                  LAST USED',
        'local     every app       2026-01-01T00:00:00Z  never',
        'notebook  evo-me evo-web  2026-01-02T00:00:00Z  2026-01-03T00:00:00Z',
        '',
      ].join('\n'),
    })
    const asJson = await run(daemon, ['caller', 'list', '--json'])
    expect(JSON.parse(asJson.stdout)).toEqual(callers)
  })

  it('remove ends the caller', async () => {
    await using daemon = await startStandIn({ 'DELETE /v1/callers/notebook': () => undefined })
    expect(await run(daemon, ['caller', 'remove', 'notebook'])).toMatchObject({ code: 0 })
  })

  it('remove says so where there is none', async () => {
    await using daemon = await startStandIn({})
    expect(await run(daemon, ['caller', 'remove', 'notebook'])).toMatchObject({ code: 1 })
  })
})

describe('vault', () => {
  it.each([
    ['file', true],
    ['auto', false],
    ['keychain', false],
  ])('move-key says where the config is in its way: "%s"', async (configured, said) => {
    await using daemon = await startStandIn({
      'POST /v1/vault/key': () => ({ json: { source: 'keychain', configured } }),
    })
    const { stderr } = await run(daemon, ['vault', 'move-key', '--to', 'keychain'])
    expect(stderr.includes('set "vault": { "key": "keychain" }')).toBe(said)
  })

  it.each([
    [['move-key', '--to', 'keychain'], { source: 'keychain' }, 'in the keychain now'],
    [['move-key', '--to=file'], { source: 'file' }, 'in a file'],
    [['rotate-key'], { rotate: true }, 'has a new key'],
  ])('%j is done by the daemon', async (args, body, said) => {
    await using daemon = await startStandIn({ 'POST /v1/vault/key': () => ({ json: {} }) })
    const { code, stderr } = await run(daemon, ['vault', ...args])
    expect(code).toBe(0)
    expect(stderr).toContain(said)
    expect(daemon.asked[0]?.body).toEqual(body)
  })
})
