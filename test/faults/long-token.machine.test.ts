/** A token as long as that of a person in thousands of groups, in the hands of every client. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { authorizedFetch, TokenClient } from '../../src/client/index.ts'
import { runCli } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import type { Sidecar } from './sidecar.ts'
import { createStrictWorld, LIFETIME_MS, observe, type StrictWorld } from './strict-world.ts'

const ME = 'evo-me'
const LONG = 'x'.repeat(400 * 1024)
const PYTHONPATH = join(import.meta.dirname, '../../clients/python/src')

const execute = promisify(execFile)
const roomy = { maxBuffer: 4 * 1024 * 1024 }

describe('an access token of 400 KB', () => {
  let world: StrictWorld
  let sidecar: Sidecar
  /** An API that says how long the token is that it was shown. */
  const api = createServer({ maxHeaderSize: 1024 * 1024 }, (request, response) => {
    response.end(String(request.headers.authorization?.length))
  })
  const apiUrl = () => `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const shown = String('Bearer '.length + LONG.length)

  beforeAll(async () => {
    world = await createStrictWorld({ accessTokenFormat: 'opaque' })
    ;({ sidecar } = await observe(world, { [ME]: world.native() }))
    await sidecar.signIn(ME, createPerson('ada'))
    world.server.intercept = async (_request, act) => {
      const answer = await act()
      return { ...answer, body: { ...answer.body, access_token: LONG } }
    }
    world.clock.pass(LIFETIME_MS)
    await sidecar.call('GET', `/v1/apps/${ME}/token`)
    await once(api.listen(0, '127.0.0.1'), 'listening')
  })

  afterAll(async () => {
    api.close()
    await sidecar[Symbol.asyncDispose]()
    await world[Symbol.asyncDispose]()
  })

  itNeeds(undefined)('comes through the client of TypeScript, on both doors', async () => {
    const { stateDir } = sidecar.home
    const endpoint = await readFile(join(stateDir, 'endpoint.json'), 'utf8')
    const { socket, url } = JSON.parse(endpoint) as { socket: string; url: string }
    for (const place of [{ socket }, { url, keyFile: join(stateDir, 'access-key') }]) {
      const client = new TokenClient(place)
      expect((await client.getToken(ME)).value).toBe(LONG)
      const answer = await authorizedFetch(ME, { client })(apiUrl())
      expect(await answer.text()).toBe(shown)
    }
  })

  itNeeds(missingCommands('python3'))('comes through the client of Python', async () => {
    const script = `import evo_token; print(len(evo_token.get_token('${ME}').value))`
    const env = { ...sidecar.home.env, PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1' }
    const { stdout } = await execute('python3', ['-S', '-c', script], { env })
    expect(stdout.trim()).toBe(String(LONG.length))
  })

  for (const shell of ['dash', 'bash', 'zsh']) {
    itNeeds(missingCommands(shell, 'curl'))(
      `comes through the functions for ${shell}`,
      async () => {
        const functions = await runCli(sidecar.home, ['shell-init'])
        const { env } = sidecar.home
        const script = (call: string) => ['-c', `${functions.stdout}\n${call}`]
        const token = await execute(shell, script(`evo_token ${ME}`), { ...roomy, env })
        expect(token.stdout.trim()).toHaveLength(LONG.length)
        const called = await execute(shell, script(`evo_curl ${ME} -sS ${apiUrl()}`), { env })
        expect(called.stdout).toBe(shown)
      },
    )
  }
})
