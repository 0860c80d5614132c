/** `share reader-key`: writes the keys of a reader to a file that only this user can read. */
import { closeSync, rmSync, writeFileSync } from 'node:fs'
import { createClient } from '../../client/connection.ts'
import { failureOf } from '../../client/failures.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { createFile } from '../new-file.ts'
import { OWNER_OPTIONS } from '../options.ts'
import { usageFault } from '../usage.ts'

export const readerKey: CommandRow = {
  details:
    'Give the file to the reader ("share.readerKeys" in its config), which needs no other secret. With --renew the old key decrypts nothing that is published from now on: put the lines of the new file before the old ones, and take the old ones out later.',
  arguments: [],
  options: {
    app: {
      type: 'string',
      placeholder: 'APP',
      multiple: true,
      description: 'An app whose token the reader may serve; may be repeated.',
    },
    out: { type: 'string', placeholder: 'FILE', description: 'A new file for the keys.' },
    renew: { type: 'boolean', description: 'Make new keys; only at the home of each app.' },
    ...OWNER_OPTIONS,
  },
  examples: [
    {
      line: 'evo-token share reader-key --app evo-me --out reader-keys',
      says: '',
    },
  ],
  async run(invocation) {
    const { command, texts, text, io } = invocation
    const apps = [...new Set(texts('app'))]
    const out = text('out')
    if (apps.length === 0) throw usageFault(command, 'needs --app APP at least once')
    if (out === undefined) throw usageFault(command, 'needs --out FILE')
    const file = createFile(out)
    const done: string[] = []
    try {
      for await (const { of, lines } of requestReaderKeys(invocation, apps)) {
        writeFileSync(file, lines)
        done.push(...of)
      }
    } catch (error) {
      // New keys are in force already, so their readers need them.
      if (done.length > 0 && invocation.flag('renew')) {
        io.stderr.write(`The new keys of ${done.join(', ')} are in ${out}, and of no other app.\n`)
      } else rmSync(out, { force: true })
      throw error
    } finally {
      closeSync(file)
    }
    io.stderr.write(`The keys for ${apps.join(', ')} are in ${out}, which only you can read.\n`)
    return 0
  },
}

/** The most apps of one request. */
const APPS_AT_ONCE = 100

/** Yields the lines for the apps of each request, as its answer comes. */
async function* requestReaderKeys(
  { place, flag }: Invocation,
  apps: readonly string[],
): AsyncGenerator<{ readonly of: readonly string[]; readonly lines: string }> {
  const client = createClient(place)
  for (let at = 0; at < apps.length; at += APPS_AT_ONCE) {
    const of = apps.slice(at, at + APPS_AT_ONCE)
    const { keys } = await client.ask({
      method: 'POST',
      path: '/v1/share/reader-key',
      body: { apps: of, renew: flag('renew') },
    })
    if (!Array.isArray(keys)) throw failureOf('its answer holds no keys', 'the owner socket')
    yield { of, lines: keys.map((key: unknown) => `${JSON.stringify(key)}\n`).join('') }
  }
}
