import { expect, it } from 'vitest'
import { run, startStandIn, token } from './stand-in.ts'

it('prints the token and nothing else', async () => {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ json: token() }),
  })
  expect(await run(daemon, ['get', 'evo-me'])).toEqual({
    code: 0,
    stdout: 'opaque-token-of-evo-me\n',
    stderr: '',
  })
})

it('prints the header that a request needs', async () => {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ json: token() }),
  })
  const { stdout } = await run(daemon, ['get', 'evo-me', '--header'])
  expect(stdout).toBe('Authorization: Bearer opaque-token-of-evo-me\n')
})

it('prints the whole answer as JSON', async () => {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ json: token() }),
  })
  const { stdout } = await run(daemon, ['get', 'evo-me', '--json'])
  expect(JSON.parse(stdout)).toEqual(token())
})

it('passes on how long the token has to live', async () => {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token?min_ttl=600': () => ({ json: token() }),
  })
  expect(await run(daemon, ['get', 'evo-me', '--min-ttl', '600'])).toMatchObject({ code: 0 })
})

it('shows no key and asks for this host, as the owner does', async () => {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ json: token() }),
  })
  await run(daemon, ['get', 'evo-me'])
  expect(daemon.asked[0]?.headers).toEqual({ host: 'localhost', connection: 'close' })
})

it.each([
  ['a line break, which would end a header', { access_token: 'good\r\nHost: evil' }],
  ['no token', { access_token: null }],
  ['no life', { expires_in: '3000' }],
])('prints no token with %s', async (_, change) => {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ json: token(change) }),
  })
  const { code, stdout, stderr } = await run(daemon, ['get', 'evo-me', '--header'])
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
  expect(stderr).toContain('its answer holds no token')
})

it.each([
  ['login_required', 3],
  ['unavailable', 5],
  ['stopping', 5],
  ['vault_locked', 5],
  ['record_newer', 5],
  ['unknown_app', 6],
  ['forbidden', 6],
  ['misconfigured', 7],
  ['internal', 1],
  ['a_code_of_a_later_version', 1],
])('ends for `%s` with %i, and says what the daemon says', async (error, exitCode) => {
  const problem = { error, detail: 'What is wrong.', hint: 'What to do.' }
  await using daemon = await startStandIn({ 'GET /v1/apps/evo-me/token': () => ({ problem }) })
  expect(await run(daemon, ['get', 'evo-me'])).toEqual({
    code: exitCode,
    stdout: '',
    stderr: 'evo-token: What is wrong.\nWhat to do.\n',
  })
})

it('lets no words of others take effect on the terminal', async () => {
  const problem = { error: 'unavailable', detail: 'red \x1b[31m and \x9b2J clear', hint: 'a\nb' }
  await using daemon = await startStandIn({ 'GET /v1/apps/evo-me/token': () => ({ problem }) })
  const { stderr } = await run(daemon, ['get', 'evo-me'])
  expect(stderr).toBe('evo-token: red  [31m and  2J clear\na b\n')
})
