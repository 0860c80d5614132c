/** What a notebook is told of an app without a token: the code, the sentence and the way out that HTTP has. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ask } from '../faults/owner.ts'
import { createHome, startDaemonProcess } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { until } from '../support/until.ts'

const PACKAGE = join(import.meta.dirname, '../../clients/python/src')

const SCRIPT = `
import json, sys
from evo_token import EvoTokenError, get_token
for app in sys.argv[1:]:
    try:
        get_token(app)
    except EvoTokenError as error:
        print(json.dumps([type(error).__name__, error.code, Exception.__str__(error), error.hint, str(error)]))
`

itNeeds(missingCommands('python3'))('is told in the same words by Python', async () => {
  await using home = await createHome({
    // Nothing listens there.
    issuer: 'http://127.0.0.1:1',
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: {
      me: { type: 'native', clientId: 'native-1', scopes: ['evo.discovery'] },
      robot: { type: 'service', clientId: 'service-1', scopes: ['evo.discovery'] },
    },
  })
  await using daemon = await startDaemonProcess(home)
  const told = async (app: string) => (await ask(daemon.socket, `/v1/apps/${app}/token`)).body
  await until('the secret is missed', async () => (await told('robot')).error === 'misconfigured')

  const { stdout, stderr } = spawnSync('python3', ['-', 'me', 'robot', 'unknown'], {
    env: { ...home.env, PYTHONPATH: PACKAGE },
    input: SCRIPT,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  const said = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[])
  const expected = await Promise.all(
    ['me', 'robot', 'unknown'].map(async (app) => {
      const { error, detail, hint } = (await told(app)) as Record<string, string>
      return [error, detail, hint, `${detail} ${hint}`]
    }),
  )
  expect(said.map(([, ...words]) => words)).toEqual(expected)
  expect(said.map(([name]) => name)).toEqual(['LoginRequired', 'Misconfigured', 'Refused'])
})
