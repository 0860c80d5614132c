/** `share reader-key`: the keys of a reader, in a file that only this user can read. */
import { closeSync, rmSync, writeFileSync } from 'node:fs'
import { createClient } from '../../client/connection.ts'
import { failureOf } from '../../client/failures.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { createFile } from '../new-file.ts'
import { OWNER } from '../options.ts'
import { usageFault } from '../usage.ts'

export const readerKey: CommandRow = {
  details:
    'Give the file to the reader ("share.readerKeys" in its config), and nothing else that is secret. With --renew the old key opens nothing that is published from now on: put the lines of the new file before the old ones, then take those out.',
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
    ...OWNER,
  },
  examples: [
    {
      line: 'evo-token share reader-key --app evo-me --out reader-keys',
      says: '',
    },
  ],
  async run(invocation) {
    const { command, texts, text, io } = invocation
    const apps = texts('app')
    const out = text('out')
    if (apps.length === 0) throw usageFault(command, 'needs --app APP, once at least')
    if (out === undefined) throw usageFault(command, 'needs --out FILE')
    const file = createFile(out)
    try {
      writeFileSync(file, await readKeys(invocation, apps))
    } catch (error) {
      rmSync(out, { force: true })
      throw error
    } finally {
      closeSync(file)
    }
    io.stderr.write(`The keys for ${apps.join(', ')} are in ${out}, which only you can read.\n`)
    return 0
  },
}

async function readKeys({ place, flag }: Invocation, apps: readonly string[]): Promise<string> {
  const { keys } = await createClient(place).ask({
    method: 'POST',
    path: '/v1/share/reader-key',
    body: { apps, renew: flag('renew') },
  })
  if (!Array.isArray(keys)) throw failureOf('its answer holds no keys', 'the owner socket')
  return keys.map((key: unknown) => `${JSON.stringify(key)}\n`).join('')
}
