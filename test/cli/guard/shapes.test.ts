import { describe, expect, it } from 'vitest'
import { shapesIn } from '../../../src/cli/guard/shapes.ts'

const jwt = (header: object) =>
  `${Buffer.from(JSON.stringify(header)).toString('base64url')}.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl`
const JWT = jwt({ alg: 'RS256', typ: 'JWT' })
const RANDOM = 'Q7f~8Zk2-mWp4Xv9_Tn6Lr'
const basic = (text: string) => Buffer.from(text).toString('base64')
const base64url = (text: string) => Buffer.from(text).toString('base64url')
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
    [`%0A${JWT}`, ['a JWT']],
    [`Bearer_${KEY}`, ['an access key']],
    [`Authorization: Basic ${basic(`id:${RANDOM}`)}`, ['a Basic header']],
    [`"authorization":"basic ${basic(`id:${encodeURIComponent(RANDOM)}`)}"`, ['a Basic header']],
    [`Authorization: Basic ${basic('ada:a-password')}`, []],
    [`Authorization: Basic ${basic('nothing-of-this-kind-123')}`, []],
    ['A Basic understanding of authorization-headers-2', []],
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

  it.each([
    ['what is nearly a header', `${base64url('{"alg":""'.repeat(1_300))}.x.`],
    ['a Basic header of colons', `Basic ${basic(`${':'.repeat(760)}\x01`)} `],
    ['a name without its value', 'client_secret="'],
  ])(
    'takes a moment for 20 MB of %s',
    (_, piece) => {
      expect(shapesIn(piece.repeat((20 * 1024 * 1024) / piece.length))).toEqual([])
    },
    10_000,
  )
})
