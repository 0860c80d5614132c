/**
 * `refresh`: gets a new token now. For the owner it ignores back-off and limits; another caller gets the
 * old token within the limit that all callers share.
 */
import { sha256Hex } from '../../secret.ts'
import { toStatusAnswer } from '../../client/status-answer.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { appPath, askToken, createClient } from '../../client/connection.ts'
import { tcpTargetOf } from '../../client/daemon-address.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, CALLER_OPTIONS } from '../options.ts'
import { SidecarError } from '../../errors.ts'
import { inLargeUnits } from '../../core/durations.ts'

export const refresh: CommandRow = {
  arguments: [APP_OR_DEFAULT],
  options: CALLER_OPTIONS,
  examples: [],
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const app = invocation.argument('APP')
  const client = createClient(invocation.place)
  const before = toStatusAnswer(await client.ask({ path: appPath(app) }))
  const ask = { method: 'POST', path: appPath(app, '/refresh') } as const
  const isCaller = tcpTargetOf(invocation.place) !== undefined
  const { accessToken, expiresInS } = isCaller
    ? await askToken(client, ask)
    : await askToken(client, { ...ask, body: { now: true } }).catch((error: unknown) => {
        // The socket is gone, so the request went over TCP with a caller's key, which may not send `now`.
        if (error instanceof EvoTokenError && error.code === 'forbidden')
          return askToken(client, ask)
        throw error
      })
  const fingerprint = sha256Hex(accessToken).slice(0, 8)
  const left = expiresInS === null ? 'no end' : inLargeUnits(expiresInS * 1000)
  if (fingerprint === before.fingerprint) {
    throw new SidecarError(
      'unavailable',
      `The token of "${app}" was not renewed: it still is ${fingerprint} (${left}).`,
      { hint: `It may have been renewed a moment ago; \`evo-token status ${app}\` says more.` },
    )
  }
  invocation.io.stdout.write(`${fingerprint} ${left}\n`)
  return 0
}
