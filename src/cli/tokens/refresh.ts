/**
 * `refresh`: a new token now. The owner gets one whatever back-off waits; within the limit that all
 * callers share, another caller gets the old one.
 */
import { sha256Hex } from '../../secret.ts'
import { toStatusAnswer } from '../../client/status-answer.ts'
import { appPath, askToken, createClient, tcpTargetOf } from '../../client/connection.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, CALLER } from '../options.ts'
import { SidecarError } from '../../errors.ts'
import { duration } from '../status/status-view.ts'

export const refresh: CommandRow = {
  arguments: [APP_OR_DEFAULT],
  options: CALLER,
  examples: [],
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const app = invocation.argument('APP')
  const client = createClient(invocation.place)
  const before = toStatusAnswer(await client.ask({ path: appPath(app) }))
  const { accessToken, expiresInS } = await askToken(client, {
    method: 'POST',
    path: appPath(app, '/refresh'),
    ...(tcpTargetOf(invocation.place) === undefined && { body: { now: true } }),
  })
  const fingerprint = sha256Hex(accessToken).slice(0, 8)
  const left = expiresInS === null ? 'no end' : duration(expiresInS * 1000)
  if (fingerprint === before.fingerprint) {
    throw new SidecarError(
      'unavailable',
      `The token of "${app}" was not refreshed now: it still is ${fingerprint} (${left}).`,
      { hint: `It may have been refreshed a moment ago; \`evo-token status ${app}\` says more.` },
    )
  }
  invocation.io.stdout.write(`${fingerprint} ${left}\n`)
  return 0
}
