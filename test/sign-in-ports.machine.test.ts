/** A sign-in where the daemon may not open the port of the redirect URI: the person pastes the address. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { ask } from './faults/owner.ts'
import {
  EVO_SCOPES,
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { createHome, startDaemonProcess } from './support/daemon-process.ts'
import { itNeeds, missingCommands } from './support/needs.ts'
import { createPerson } from './support/person.ts'

/** Below 1024: only who has this right may open it. */
const REDIRECT_URI = 'http://localhost:887/signin-callback'
const WITHOUT_RIGHT = ['setpriv', '--bounding-set=-net_bind_service', '--']

const missing =
  process.getuid?.() === 0 ? missingCommands('setpriv') : 'only root has a right to give up'

let server: RunningAuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer({ redirectUris: [REDIRECT_URI] })
})

afterAll(() => server.close())

describe('a sign-in whose port only root may open', () => {
  itNeeds(missing)('ends with the address that is pasted', async () => {
    await using home = await createHome({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: {
        me: {
          type: 'native',
          clientId: server.clients.native.clientId,
          redirectUris: [REDIRECT_URI],
          scopes: EVO_SCOPES,
        },
      },
    })
    await using daemon = await startDaemonProcess(home, { under: WITHOUT_RIGHT })
    const path = '/v1/apps/me/login'
    const started = (await ask(daemon.socket, path, 'POST')).body
    expect(started).toMatchObject({ open_url: null, listening: false, busy_port: null })
    const address = String(started.authorization_url)
    const { url } = await createPerson('ada').visit(address, { stopAt: REDIRECT_URI })
    const pasted = await ask(daemon.socket, `${path}/${String(started.id)}/callback`, 'POST', {
      url,
    })
    expect(pasted.body).toMatchObject({ status: 'succeeded', subject: 'ada@example.com' })
  })
})
