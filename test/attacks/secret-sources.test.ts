/**
 * The sources themselves: between the adapter that gets a secret and the edge that hands it out it is a
 * `Secret`, it is opened in the places that are listed here, and no line of the log is given its text.
 */
import { describe, expect, it } from 'vitest'
import { openings, rawDeclarations, rawSecretsInLogs, readSources } from './secret-sources.ts'

const sources = readSources()

/** Every file that opens a `Secret`, how often, and why it has to. A new one belongs in here, or away. */
const OPENED: Readonly<Record<string, readonly [times: number, why: string]>> = {
  // To the authorization server: RFC 6749 has them in a form.
  'src/adapters/server/client-authentication.ts': [
    2,
    'the client secret, in the form or in a Basic header, or the private key, to sign; and which of them it is',
  ],
  'src/adapters/server/authorization-server.ts': [
    4,
    'refresh token, verifier, device code; and to revoke',
  ],
  // To the database of many hosts.
  'src/adapters/share/client-config.ts': [1, 'the password of its role, over TLS or hashed'],
  'src/adapters/vault/copies/access-copy.ts': [1, 'the access token, in order to be encrypted'],
  'src/adapters/vault/copies/sealed-copies.ts': [1, 'the vault key, to derive those of readers'],
  // To the disk: encrypted, or in a file that is there for it.
  'src/adapters/vault/records/record-codec.ts': [2, 'the record, in order to be encrypted'],
  'src/adapters/vault/sealing/key-ring.ts': [1, 'the vault key, for the cipher'],
  'src/adapters/vault/key-places/key-place.ts': [1, 'the vault key, for its file or the keychain'],
  'src/adapters/callers/callers-local.ts': [1, 'the access key, for its file'],
  'src/daemon/owner-door.ts': [1, "the owner's key, for its file"],
  'src/adapters/token-files/token-file.ts': [1, 'the access token, for the files of the config'],
  // To the caller that asked for it.
  'src/client/tcp.ts': [1, 'the access key, to the daemon'],
  'src/client/token.ts': [1, 'the program that asked for the token reads it'],
  'src/http/routes-apps.ts': [2, 'the access token, as JSON and as text'],
  'src/http/routes-owner.ts': [1, 'a new access key, shown once'],
  'src/http/routes-share.ts': [1, 'the keys of a reader, to the owner'],
  'src/cli/doctor/evo-checks.ts': [1, 'a token, on its way to Evo, over TLS or on loopback'],
  'src/cli/signing-in/secret.ts': [1, 'the client secret, to the daemon'],
  // To keep it out of everything else.
  'src/adapters/log/scrub.ts': [1, 'to find it in a line'],
  'src/adapters/log/secret-pieces.ts': [1, 'to find a part of it'],
  'src/adapters/server/server-words.ts': [1, 'to find it in what a server says'],
}

/** What lies between the adapters and the edge. */
const BETWEEN = ['src/core/', 'src/broker/', 'src/daemon/', 'src/http/']

describe('a Secret', () => {
  it('is opened in the listed places, and in no other', () => {
    const times = Object.entries(OPENED).map(([name, [count]]) => [name, count])
    expect(openings(sources)).toEqual(Object.fromEntries(times))
  })

  it('is what every secret is between the adapters and the edge', () => {
    expect(rawDeclarations(sources, BETWEEN)).toEqual([])
  })

  it('is given to the log as it is', () => {
    expect(sources.files.size).toBeGreaterThan(150)
    expect(rawSecretsInLogs(sources)).toEqual([])
  })
})

describe('the search of this file', () => {
  const LOGS = [
    'log.info({ sealed: sealed.expose() }, "x")',
    'log.info({}, `got ${sealed.expose()}`)',
    'log.info({ refreshToken }, "x")',
    'log.info({ harmless: refreshToken }, "x")',
    'log.info({}, `got ${refreshToken}`)',
    'log.info({}, "got " + refreshToken)',
    'log.info({ answer }, "x")',
    'log.info(answer, "x")',
    'log.info({ ...answer }, "x")',
    'log.info({ a: answer.access_token }, "x")',
    'log.info({ a: answer.inner }, "x")',
    'log.info({ q: url.search }, "x")',
    'log.info({ code: url.searchParams.get("code") }, "x")',
    'log.info({ sent: form.toString() }, "x")',
    'log[Math.random() > 0.5 ? "info" : "warn"]({ refreshToken }, "x")',
  ]
  const HARMLESS =
    'log.info({ sealed, token: sealed.fingerprint, n: answer.inner.n }, "token served")'
  const HEAD = `
    import type { Log } from '../core/ports.ts'
    import type { Sealed } from '../core/token.ts'
    interface Inner { readonly refreshToken?: string; readonly n: number }
    interface Answer { readonly access_token: string; readonly inner: Inner }
    export function tell(log: Log, sealed: Sealed, answer: Answer, refreshToken: string, url: URL, form: URLSearchParams) {
  `
  const planted = readSources({
    'src/broker/logs.ts': `${HEAD}${[...LOGS, HARMLESS].join('\n')}\n}`,
    'src/broker/held.ts': `
      import type { Sealed } from '../core/token.ts'
      export interface Held { readonly refresh_token: string; readonly clientSecret?: string }
      export function open({ deviceCode }: { deviceCode: string }, codeVerifier: string | undefined) {
        return deviceCode + codeVerifier
      }
      export const opened = (accessToken: Sealed) => accessToken.expose()
    `,
  })

  it('finds each raw secret that is logged, and lets harmless lines pass', () => {
    const found = rawSecretsInLogs(planted).filter((one) => one.startsWith('src/broker/logs.ts'))
    const lines = new Set(found.map((one) => one.split(':', 2).join(':')))
    const first = HEAD.split('\n').length
    expect([...lines]).toEqual(LOGS.map((_, index) => `src/broker/logs.ts:${first + index}`))
  })

  it('finds a secret that is declared as text, and one that is opened', () => {
    expect(rawDeclarations(planted, ['src/broker/held'])).toHaveLength(5)
    expect(openings(planted)['src/broker/held.ts']).toBe(1)
  })
})
