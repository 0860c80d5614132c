/** What `doctor` says of redirect URIs at which the daemon cannot listen. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { appChecks } from '../../src/cli/doctor/app-checks.ts'
import { app } from '../support/builders.ts'

/** The verdict of the check, or what it fails with. */
async function checked(...redirectUris: string[]): Promise<string> {
  const client = {
    open: () => Promise.reject(new Error('nothing is streamed here')),
    ask: async () => ({ ports: [], session: 'signed-out' }),
  }
  const world = { client, slot: {}, ownPort: 13860 }
  const [check] = appChecks(app({ redirectUris }), world)
  return check ? check.run() : ''
}

it.each([
  ['https://localhost:3000/cb', 'is https:'],
  ['http://localhost:81/cb', 'has port 81, which only root may listen'],
  ['http://localhost:0/cb', 'has port 0'],
  ['http://localhost:6000/cb', 'has port 6000, which browsers block'],
  ['http://localhost:13860/cb', 'has port 13860, on which the daemon serves tokens'],
  ['https://app.example/cb', 'is on another machine'],
  ['com.example.app:/cb', 'is not an address of this machine'],
])('does not call %s free, nor taken', async (uri, words) => {
  const said = await checked(uri)
  expect(said).toContain(`apps.evo-me.redirectUris[0] ${words}`)
  expect(said).toContain('has to be pasted')
  expect(said).not.toMatch(/is free|is taken/)
})

it.each([
  ['http://localhost:6000/cb', 'has port 6000, which browsers block'],
  ['http://ada@localhost:49152/cb', 'has a user name or password in it'],
  ['http://127.0.0.1:49152/cb?state=x', 'has a parameter in it'],
  ['https://app.example/cb', 'is on another machine'],
])('warns of %s also behind one that is free', async (uri, words) => {
  const free = 'http://127.0.0.1:49151/cb'
  expect(await checked(free, uri)).toMatch(`${free} is free; apps.evo-me.redirectUris[1] ${words}`)
})

it('looks at the next one, as a sign-in does', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const taken = `http://localhost:${(other.address() as AddressInfo).port}/cb`
  const free = 'http://127.0.0.1:49151/cb'
  expect(await checked('http://localhost:81/cb', free)).toContain(`${free} is free; `)
  await expect(checked('http://localhost:81/cb', taken)).rejects.toThrow(
    `The port of ${taken} is taken`,
  )
  // A sign-in that could be pasted is not left for another one.
  expect(await checked('https://app.example/cb', taken)).toContain('is on another machine')
  other.close()
})

it('shows no user name and no password, and warns of them', async () => {
  const said = await checked('http://ada:hunter2@127.0.0.1:49151/cb')
  expect(said).toContain('http://127.0.0.1:49151/cb is free; ')
  expect(said).toContain('has a user name or password in it')
  expect(said).not.toMatch(/ada|hunter2/)
})
