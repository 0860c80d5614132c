import { describe, expect, it } from 'vitest'
import { candidatesIn, shapesIn } from '../../src/cli/guard-candidates.ts'

const jwt = (header: object) =>
  `${Buffer.from(JSON.stringify(header)).toString('base64url')}.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl`
const JWT = jwt({ alg: 'RS256', typ: 'JWT' })
const RANDOM = 'Q7f~8Zk2-mWp4Xv9_Tn6Lr'
const KEY = `evtk_${'Ab3-_'.repeat(8)}`

describe('shapesIn', () => {
  it.each([
    [`token = "${JWT}"`, ['a JWT']],
    [`Authorization: Bearer ${JWT}`, ['a JWT']],
    [jwt({ alg: 'none' }).replace(/[^.]*$/, ''), ['a JWT']],
    [`${JWT}.part.five`, ['a JWT']],
    [`key=${KEY}`, ['an access key']],
    [`${KEY} ${JWT}`, ['a JWT', 'an access key']],
    [`EVO_CLIENT_SECRET=${RANDOM}`, ['a client secret']],
    [`  "clientSecret": "${RANDOM}",`, ['a client secret']],
    [`client_secret: ${RANDOM}`, ['a client secret']],
    [`run(client_secret='${RANDOM}')`, ['a client secret']],
    [`{ :client_secret => "${RANDOM}" }`, ['a client secret']],
    [`curl -d 'grant_type=x&client_secret=${RANDOM}&scope=y'`, ['a client secret']],
    [`tool --client-secret ${RANDOM}`, ['a client secret']],
    [`CLIENT_SECRET=aB3$x-${RANDOM}`, []],
    ['clientSecret: server.oauth2.clientSecret,', []],
    ['client_secret=os.environ["EVO_OAUTH2_VALUE"]', []],
    ['client_secret: process.env.OAUTH2_CREDENTIAL_2', []],
    ['CLIENT_SECRET=your-value-goes-here-123', []],
    ['client_secret: <from the Developer Portal, step 3>', []],
    ['the client_secret is 32 characters long', []],
    ['client_secret=0000000000000000000000000000', []],
    ['A key begins with evtk_ and a JWT with eyJ.', []],
    ['evtk_short', []],
    [jwt({ typ: 'no algorithm' }), []],
    ['eyJhbGciOiJS.notjson.x', []],
    ['sha512-n8Y2Yk0zT0o1c2xJcXlLZ0ZtQnJjSGc=', []],
  ])('finds in %s: %j', (line, shapes) => {
    expect(shapesIn(line)).toEqual(shapes)
  })
})

describe('candidatesIn', () => {
  const OPAQUE = 'Zm9v+YmFy/cXV4~dGhl_ZW5k.b2Y-aXQ'

  it.each([
    ['alone', OPAQUE],
    ['a variable', `REFRESH_TOKEN=${OPAQUE}`],
    ['an exported variable', `export A='${OPAQUE}'`],
    ['JSON', `  "refresh_token": "${OPAQUE}",`],
    ['YAML', `token: ${OPAQUE}`],
    ['Python', `get(token="${OPAQUE}", other=1)`],
    ['a sentence', `The token is ${OPAQUE}.`],
    ['a query', `http://localhost/x?a=1&token=${OPAQUE}&b=2`],
    ['a padded value', `secret=${OPAQUE}==`],
    ['a URL, encoded', `http://localhost/x?token=${encodeURIComponent(OPAQUE)}`],
    ['a path', `http://localhost/hook/Zm9vYmFycXV4dGhlZW5k/`, 'Zm9vYmFycXV4dGhlZW5k'],
    ['a padded value, whole', 'secret=Zm9vYmFycXV4dGhlZW5kYg==', 'Zm9vYmFycXV4dGhlZW5kYg=='],
    ['quotes, with other characters', 'x = "pa$$ with, all {kinds}!"', 'pa$$ with, all {kinds}!'],
    ['backquotes', 'x = `pa$$,with,all,kinds!`', 'pa$$,with,all,kinds!'],
    ['an assignment, with other characters', 'SECRET=pa$$,with,all,kinds!', 'pa$$,with,all,kinds!'],
  ])('has the whole secret from %s', (_, line, secret = OPAQUE) => {
    expect(candidatesIn(line)).toContain(secret)
  })

  it('has nothing of ordinary words', () => {
    expect(candidatesIn("import { describe, expect, it } from 'vitest'").size).toBe(0)
  })

  it('stays small whatever the line', () => {
    expect(candidatesIn('a='.repeat(50_000)).size).toBeLessThan(100)
    expect(candidatesIn('x'.repeat(1_000_000)).size).toBe(0)
  })
})
