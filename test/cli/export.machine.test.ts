import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { missingCommands, itNeeds } from '../support/needs.ts'
import { run, startStandIn, token } from './stand-in.ts'

/** What an opaque token may hold (RFC 6749 §A.12), and a shell would not leave as it is. */
const ODD = `a'b"c$HOME\`id\` \\;\\\\&|<>*?[~]#!{}''\\'\\`

async function exported(format: string, accessToken = ODD, ...more: string[]) {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ json: token({ access_token: accessToken }) }),
  })
  return await run(daemon, ['export', 'evo-me', '--format', format, ...more])
}

for (const shell of ['sh', 'bash', 'zsh', 'fish']) {
  itNeeds(missingCommands(shell))(
    `sets the variable in ${shell}, whatever the token holds`,
    async () => {
      const { stdout } = await exported('sh')
      const take = shell === 'fish' ? 'cat | source' : 'eval "$(cat)"'
      const { stdout: seen } = spawnSync(shell, ['-c', `${take}; printf %s "$EVO_ACCESS_TOKEN"`], {
        input: stdout,
        encoding: 'utf8',
      })
      expect(seen).toBe(ODD)
    },
  )
}

it('quotes for PowerShell, where a quote is doubled', async () => {
  expect((await exported('powershell', `it's`)).stdout).toBe(
    "$env:EVO_ACCESS_TOKEN = 'it''s'\n$env:EVO_TOKEN_APP = 'evo-me'\n",
  )
})

it('writes lines for a .env, under the name that is asked for', async () => {
  expect((await exported('dotenv', 'a$b', '--env', 'TOKEN')).stdout).toBe(
    "TOKEN='a$b'\nEVO_TOKEN_APP=evo-me\n",
  )
})

it('writes JSON', async () => {
  expect(JSON.parse((await exported('json')).stdout)).toEqual({
    EVO_ACCESS_TOKEN: ODD,
    EVO_TOKEN_APP: 'evo-me',
  })
})

it('prints nothing where there is no token, so that `eval` changes nothing', async () => {
  await using daemon = await startStandIn({
    'GET /v1/apps/evo-me/token': () => ({ problem: { error: 'login_required' } }),
  })
  expect(await run(daemon, ['export', 'evo-me'])).toMatchObject({ code: 3, stdout: '' })
})
