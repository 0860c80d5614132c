/** Encrypts every record of a vault with its newest key; each file is replaced as a whole. */
import pLimit from 'p-limit'
import type { Queues } from '../../../queue.ts'
import { writeFileAtomically } from '../../files/atomic-file.ts'
import type { KeyRing } from '../sealing/key-ring.ts'
import { firstLine } from './record-codec.ts'
import { keyIdOf, reseal } from '../sealing/sealed-text.ts'
import { filesOf, type OnStep, readTextIfThere, recordFiles } from './record-files.ts'

export type InQueue = (app: string, work: () => Promise<void>) => Promise<void>

export interface ReencryptionDeps {
  readonly dir: string
  readonly ring: KeyRing
  readonly queues: Queues
  readonly onStep: OnStep
}

/** Each app has two files open for a moment; a thousand at once would be too many. */
const REENCRYPTED_AT_ONCE = 8

/** Leaves files that cannot be decrypted as they are. */
export async function reencrypt(deps: ReencryptionDeps, inQueue: InQueue): Promise<void> {
  const { dir, queues } = deps
  const limit = pLimit(REENCRYPTED_AT_ONCE)
  const found = recordFiles(dir)
  const apps = new Set(found.map(({ app }) => app))
  await Promise.all(
    [...apps].map((app) =>
      inQueue(app, () =>
        limit(() =>
          queues.run(app, async () => {
            // A next record may have become the record since the files were listed.
            const { record, next } = filesOf(dir, app)
            const listed = found.filter((file) => file.app === app).map(({ path }) => path)
            for (const path of new Set([...listed, next, record])) {
              await reencryptFile(deps, app, path)
            }
          }),
        ),
      ),
    ),
  )
}

async function reencryptFile(
  { ring, onStep }: ReencryptionDeps,
  app: string,
  path: string,
): Promise<void> {
  const text = readTextIfThere(path)
  if (text === undefined || keyIdOf(firstLine(text)) === ring[0].kid) return
  // It is not decoded, so a record of a newer version keeps all its members.
  const fresh = await reseal(firstLine(text), ring, ring[0])
  if (fresh === undefined) return
  // Keeps the room behind it.
  await writeFileAtomically(path, `${fresh}\n`.padEnd(text.length, '\n'), 0o600)
  onStep(`re-encrypted ${app}`, app)
}
