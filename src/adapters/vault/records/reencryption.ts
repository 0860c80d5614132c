/** Puts every record of a vault under its newest key, one file at a time, each replaced whole. */
import pLimit from 'p-limit'
import type { Queues } from '../../../queue.ts'
import { writeFileAtomically } from '../../files/atomic-file.ts'
import type { KeyRing } from '../sealing/key-ring.ts'
import { firstLine } from './record-codec.ts'
import { keyIdOf, reseal } from '../sealing/sealed-text.ts'
import { filesOf, type OnStep, readText, recordFiles } from './record-files.ts'

export type InQueue = (app: string, work: () => Promise<void>) => Promise<void>

export interface ReencryptionDeps {
  readonly dir: string
  readonly ring: KeyRing
  readonly queues: Queues
  readonly onStep: OnStep
}

/** Each has two files open for a moment; a thousand apps at once would run out of them. */
const AT_ONCE = 8

/** Files that do not open are left as they are: damaged ones, and those torn while they were written. */
export async function reencrypt(deps: ReencryptionDeps, inQueue: InQueue): Promise<void> {
  const { dir, queues } = deps
  const limit = pLimit(AT_ONCE)
  const found = recordFiles(dir)
  const apps = new Set(found.map(({ app }) => app))
  await Promise.all(
    [...apps].map((app) =>
      inQueue(app, () =>
        limit(() =>
          queues.run(app, async () => {
            // Since they were listed, a next record may have become the record.
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
  const text = readText(path)
  if (text === undefined || keyIdOf(firstLine(text)) === ring[0].kid) return
  // Not decoded: what a newer version wrote keeps all that is in it.
  const fresh = await reseal(firstLine(text), ring, ring[0])
  if (fresh === undefined) return
  // The room behind it stays, too.
  await writeFileAtomically(path, `${fresh}\n`.padEnd(text.length, '\n'), 0o600)
  onStep(`re-encrypted ${app}`, app)
}
