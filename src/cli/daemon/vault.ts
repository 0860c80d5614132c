/** `vault move-key` and `vault rotate-key`: always through the daemon, which has the vault open. */
import { createClient } from '../../client/connection.ts'
import { WRITABLE_SOURCES } from '../../core/vault-key-source.ts'
import type { CommandRow } from '../command.ts'
import { OWNER_OPTIONS } from '../options.ts'
import { plain } from '../plain.ts'
import { usageFault } from '../usage.ts'

/** Every record is encrypted again, and the keychain may ask a person first. */
const KEY_CHANGE_TIMEOUT_MS = 180_000

const VAULT_KEY_PATH = '/v1/vault/key'

export const moveKey: CommandRow = {
  arguments: [],
  options: {
    to: {
      type: 'string',
      placeholder: 'PLACE',
      choices: WRITABLE_SOURCES,
      description: 'Where to keep the key from now on.',
    },
    ...OWNER_OPTIONS,
  },
  examples: [{ line: 'evo-token vault move-key --to keychain', says: '' }],
  async run(invocation) {
    const source = invocation.text('to')
    if (source === undefined) {
      throw usageFault(invocation.command, 'needs --to keychain or --to file')
    }
    const client = createClient(invocation.place)
    const body = { source }
    const answer = await client.ask({
      method: 'POST',
      path: VAULT_KEY_PATH,
      body,
      timeoutMs: KEY_CHANGE_TIMEOUT_MS,
    })
    const where = source === 'file' ? 'a file in the state directory' : 'the keychain'
    const { stderr } = invocation.io
    stderr.write(`The key of the vault is in ${where} now.\n`)
    const { configured } = answer
    if (typeof configured === 'string' && configured !== 'auto' && configured !== source) {
      stderr.write(
        `Before the next start, set "vault": { "key": "${source}" } (or "auto") in the config: it says "${plain(configured)}".\n`,
      )
    }
    return 0
  },
}

export const rotateKey: CommandRow = {
  arguments: [],
  options: OWNER_OPTIONS,
  examples: [],
  async run(invocation) {
    const client = createClient(invocation.place)
    await client.ask({
      method: 'POST',
      path: VAULT_KEY_PATH,
      body: { rotate: true },
      timeoutMs: KEY_CHANGE_TIMEOUT_MS,
    })
    invocation.io.stderr.write('The vault has a new key, and everything is encrypted with it.\n')
    return 0
  },
}
