/** `caller add`: makes a caller, and prints its key or puts it into a file that only this user can read. */
import { DAY_MS } from '../../core/durations.ts'
import { closeSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createClient } from '../../client/connection.ts'
import { failureOf } from '../../client/failures.ts'
import { durationToMs } from '../../config/values.ts'
import { platform } from '../../platform/current.ts'
import type { Invocation } from '../command.ts'
import { createFile } from '../new-file.ts'
import { usageFault } from '../usage.ts'

/** The longest life of a key. A longer one is a mistyped unit. */
const LONGEST_DAYS = 100 * 365

export async function run(invocation: Invocation): Promise<number> {
  const { argument, texts, text, io } = invocation
  const name = argument('NAME')
  const apps = texts('app')
  const expiresAt = expiryOf(invocation)
  const out = text('out')
  // First the file: a key that cannot be written would be lost.
  const file = out === undefined ? undefined : createFile(out)
  let key: string
  try {
    key = await addCaller(invocation, { name, apps, expiresAt })
    if (file !== undefined) writeFileSync(file, `${key}\n`)
  } catch (error) {
    if (out !== undefined) rmSync(out, { force: true })
    throw error
  } finally {
    if (file !== undefined) closeSync(file)
  }
  if (out === undefined) io.stdout.write(`${key}\n`)
  const what = apps.length > 0 ? apps.join(', ') : 'every app (--app names one)'
  const until = expiresAt === undefined ? '' : ` until ${expiresAt}`
  const where =
    out === undefined
      ? "It is shown this once: keep it in a file that only the program's user can read."
      : `It is in ${out}, which only you can read. A program finds it by EVO_TOKEN_KEY_FILE=${platform.quoted(resolve(out))} and EVO_TOKEN_CALLER=${name}.`
  io.stderr.write(`This is the key of "${name}", for ${what}${until}. ${where}\n`)
  return 0
}

async function addCaller(
  { place }: Invocation,
  {
    name,
    apps,
    expiresAt,
  }: { name: string; apps: readonly string[]; expiresAt?: string | undefined },
): Promise<string> {
  const { access_key: key } = await createClient(place).ask({
    method: 'POST',
    path: '/v1/callers',
    body: {
      name,
      apps: apps.length > 0 ? apps : ['*'],
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
    },
  })
  if (typeof key !== 'string') throw failureOf('its answer holds no key', 'the owner socket')
  return key
}

/** When the key expires, in RFC 3339; undefined for never. */
function expiryOf({ command, text }: Invocation): string | undefined {
  const given = text('expires')
  if (given === undefined) return undefined
  const lifeMs = durationToMs(given)
  if (!(lifeMs >= 1000 && lifeMs <= LONGEST_DAYS * DAY_MS)) {
    throw usageFault(
      command,
      `needs a duration with its unit for --expires, such as 12h or 30d, from 1s to ${LONGEST_DAYS}d`,
    )
  }
  return `${new Date(Date.now() + lifeMs).toISOString().slice(0, 19)}Z`
}
