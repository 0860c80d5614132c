/** `logout`: ends an app's session, at the authorization server too where that can be done. */
import { appPath, createClient } from '../../client/connection.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP, OWNER } from '../options.ts'

export const logout: CommandRow = {
  arguments: [APP],
  options: OWNER,
  examples: [],
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const app = invocation.argument('APP')
  const { revoked } = await createClient(invocation.place).ask({
    method: 'POST',
    path: appPath(app, '/logout'),
  })
  const how =
    revoked === true
      ? 'and its tokens are revoked.'
      : 'here only: its authorization server did not confirm that the tokens are revoked.'
  invocation.io.stderr.write(`${app} is signed out, ${how}\n`)
  return 0
}
