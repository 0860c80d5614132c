/** A state directory with callers in it, for the tests of `callers.ts`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCallers } from '../../src/adapters/callers/callers.ts'
import { sha256Hex } from '../../src/secret.ts'
import { NOW, recordingLog } from '../support/builders.ts'

interface StoredCaller {
  name: string
  apps: string[]
  sha256: string
  created_at: string
  last_used_at: string | null
}

/** What the callers know of an access key. */
export const digest = (key: string) => Buffer.from(sha256Hex(key), 'hex')

/** What a daemon with this state directory sees and leaves there. */
export function stateIn(directory: string) {
  const clock = { now: NOW, read: () => clock.now }
  const log = recordingLog()
  const path = join(directory, 'callers.json')
  const accessKeyPath = join(directory, 'access-key')
  return {
    directory,
    path,
    accessKeyPath,
    clock,
    log,
    start: () => createCallers({ path, accessKeyPath, clock, log }),
    stored: () => (JSON.parse(readFileSync(path, 'utf8')) as { callers: StoredCaller[] }).callers,
    key: () => readFileSync(accessKeyPath, 'utf8').trim(),
  }
}
