/** Which redirect URIs are warned of. */
import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'

function warningsOn(uri: string, type = 'native'): string[] {
  const app = {
    type,
    clientId: 'native-1',
    redirectUris: [uri],
    scopes: ['evo.discovery', 'evo.workspace', 'offline_access'],
  }
  const result = parseConfig(JSON.stringify({ apps: { me: app } }))
  if (!('warnings' in result)) throw new Error(JSON.stringify(result))
  return result.warnings.map(({ path, message }) => `${path}: ${message}`)
}

it.each([
  'http://localhost:3000/signin-callback',
  'http://127.0.0.1:49152/',
  'http://[::1]:1024/callback?from=evo',
])('%s can be served', (uri) => {
  expect(warningsOn(uri)).toEqual([])
})

it.each([
  ['https://localhost:3000/callback', 'is https:'],
  ['https://app.example.com/callback', 'is on another machine'],
  ['http://10.0.0.7:3000/callback', 'is on another machine'],
  ['com.example.app:/callback', 'is not an address of this machine'],
  ['urn:ietf:wg:oauth:2.0:oob', 'is not an address of this machine'],
  ['http://localhost/callback', 'has port 80, which only root'],
  ['http://localhost:0/callback', 'has port 0'],
  ['http://localhost:443/callback', 'has port 443, which only root'],
  ['http://localhost:6000/callback', 'has port 6000, which browsers block'],
  ['http://127.0.0.1:10080/callback', 'has port 10080, which browsers block'],
  ['http://localhost:13860/callback', 'has port 13860, on which the daemon serves tokens'],
  ['http://0.0.0.0:3000/callback', 'is on another machine than "localhost"'],
  ['http://app.localhost:3000/callback', 'is on another machine than "localhost"'],
])('%s %s', (uri, words) => {
  const [warning = '', ...others] = warningsOn(uri)
  expect(others).toEqual([])
  expect(warning).toContain(`apps.me.redirectUris[0]: ${words}`)
  expect(warning).toContain('has to be pasted')
})

it.each(['state=1', 'code=1', 'from=evo&iss=x', 'error'])(
  "a parameter that the server's answer has too is warned of: %s",
  (query) => {
    expect(warningsOn(`http://localhost:3000/callback?${query}`)).toEqual([
      expect.stringContaining('has a parameter in it') as string,
    ])
  },
)

it('one without http:// in front is none', () => {
  const app = { type: 'native', clientId: 'native-1', scopes: [] }
  const redirectUris = ['localhost:3000/signin-callback']
  expect(parseConfig(JSON.stringify({ apps: { me: { ...app, redirectUris } } }))).toMatchObject({
    kind: 'bad',
    faults: [{ path: 'apps.me.redirectUris[0]' }],
  })
})

it('a user name or password in it is warned of, and not shown', () => {
  const [warning = '', ...others] = warningsOn('http://ada:hunter2@localhost:3000/callback')
  expect(others).toEqual([])
  expect(warning).toContain('has a user name or password in it')
  expect(warning).not.toMatch(/ada|hunter2/)
})
