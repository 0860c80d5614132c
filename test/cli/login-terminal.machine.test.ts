/** `login` on a terminal, where the address that the browser ended on is pasted. */
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { noTerminal, onTerminal } from '../support/terminal.ts'
import { until } from '../support/until.ts'
import { type Reply, type Routes, startStandIn } from './stand-in.ts'

const it = itNeeds(noTerminal())

const LOGIN = '/v1/apps/evo-me/login'
const PENDING = { status: 'pending', error: null, message: null, subject: null, scope: null }

/** A daemon whose sign-in ends with an address, or when it is given up. */
function routesOf(end: (reply: Reply) => void, ended: Promise<Reply>): Routes {
  const pending = { json: { ...PENDING, expires_at: null } }
  return {
    [`POST ${LOGIN}`]: () => ({
      json: {
        id: 'l1',
        authorization_url: 'https://ims.example/authorize?state=s1',
        open_url: null,
        listening: false,
        expires_at: '2026-01-01T00:10:00Z',
      },
    }),
    [`GET ${LOGIN}/l1`]: () => ended,
    [`GET ${LOGIN}/l1?wait=0`]: () => pending,
    [`POST ${LOGIN}/l1/callback`]: () => {
      end({ json: { ...PENDING, status: 'succeeded', expires_at: null } })
      return pending
    },
    [`DELETE ${LOGIN}/l1`]: () => undefined,
  }
}

async function startLogin() {
  let end: (reply: Reply) => void = () => undefined
  const ended = new Promise<Reply>((resolve) => {
    end = resolve
  })
  const daemon = await startStandIn(
    routesOf((reply) => {
      end(reply)
    }, ended),
  )
  const login = onTerminal(daemon, 'login evo-me --no-browser')
  await until('it asks for the address', () => login.text().includes('paste the address'))
  return { daemon, login }
}

describe('login on a terminal', () => {
  it('takes an address that is longer than the lines of a terminal', async () => {
    const { daemon, login } = await startLogin()
    await using _daemon = daemon
    const url = `http://localhost:3000/cb?code=${'c'.repeat(6_000)}&state=s1`
    login.type(`${url}\r`)
    expect(await login.ended).toEqual([0, null])
    expect(login.text()).toContain('Signed in to evo-me.')
    const pasted = daemon.asked.filter(({ url: path }) => path.endsWith('/callback'))
    expect(pasted.map(({ body }) => body)).toEqual([{ url }])
  })

  it('takes an address that is pasted as two lines, the last of which waits for Enter', async () => {
    const { daemon, login } = await startLogin()
    await using _daemon = daemon
    const pieces = ['http://localhost:3000/cb?code=c', 'c&state=s1']
    login.type(pieces.join('\r'))
    await until('both are there', () => login.text().includes('c&state=s1'))
    login.type('\r')
    expect(await login.ended).toEqual([0, null])
    const pasted = daemon.asked.filter(({ url: path }) => path.endsWith('/callback'))
    expect(pasted.map(({ body }) => body)).toEqual([{ url: pieces.join('') }])
  })

  it('ends with Ctrl-C, and gives the sign-in up', async () => {
    const { daemon, login } = await startLogin()
    await using _daemon = daemon
    login.interrupt()
    expect(await login.ended).toEqual([130, null])
    expect(login.text()).toContain('left unfinished')
    expect(daemon.asked.at(-1)).toMatchObject({ method: 'DELETE' })
  })
})
