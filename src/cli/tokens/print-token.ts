/** Asks for an app's access token and prints it. It goes from the answer to stdout and nowhere else. */
import { appPath, askToken, createClient } from '../../client/connection.ts'
import type { DaemonAddress } from '../../client/daemon-address.ts'
import type { Io } from '../io.ts'

// An import of `node:fs` would load much more (see `client/connection.ts`).
const { writeSync } = process.getBuiltinModule('node:fs')

export interface PrintTokenOptions {
  /** By default the token alone. */
  readonly form?: 'json' | 'header'
  /** In seconds, as it was typed. */
  readonly minTtl?: string | undefined
}

/** Resolves with whether all of it is written; if not, the stream is still writing. @throws {EvoTokenError} */
export async function printToken(
  app: string,
  place: DaemonAddress,
  io: Io,
  { form, minTtl }: PrintTokenOptions = {},
): Promise<boolean> {
  const query = minTtl === undefined ? '' : `?min_ttl=${minTtl}`
  const { accessToken, answer } = await askToken(createClient(place), {
    path: appPath(app, `/token${query}`),
  })
  const line = form === 'header' ? `Authorization: Bearer ${accessToken}` : accessToken
  return print(`${form === 'json' ? JSON.stringify(answer) : line}\n`, io)
}

/** Writes to the descriptor where that works: loading Node's stream for stdout takes as long as connecting. */
function print(text: string, io: Io): boolean {
  if (io !== process) {
    io.stdout.write(text)
    return false
  }
  const bytes = Buffer.from(text)
  let written = 0
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written)
    return true
  } catch {
    // A pipe that is full for now, or closed: the stream handles both.
    io.stdout.write(bytes.subarray(written))
    return false
  }
}
