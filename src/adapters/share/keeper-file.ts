/**
 * `share.json` in the state directory: the id of this keeper among the others, the process that last
 * ran under it, and the databases that it knows. A keeper is known by this id, never by its name.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { SidecarError } from '../../errors.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { isDiskError } from '../files/disk-errors.ts'

/** More than any keeper meets; the oldest is forgotten. */
const WATCHED_MAX = 16

const keeperFileSchema = z.object({
  id: z.uuid(),
  process: z
    .object({ instance: z.uuid(), boot: z.string(), directory: z.string() })
    .exactOptional(),
  watched: z.array(z.string()).default([]),
})
type Content = z.output<typeof keeperFileSchema>

export interface KeeperFile {
  readonly id: string
  readonly instance: string
  /** Whether the process that `instance` names is gone: it ran in this very directory since the machine started. */
  isGone(instance: string): boolean
  readonly watched: { has(incarnation: string): boolean; add(incarnation: string): void }
}

/**
 * Notes this process as the one that runs under the id. The caller holds the lock of the state directory.
 *
 * @param bootId changes with each start of the machine; empty where there is none.
 * @throws {SidecarError} `config` for a file that cannot be read.
 */
export async function openKeeperFile(stateDir: string, bootId: string): Promise<KeeperFile> {
  const path = keeperFile(stateDir)
  const before = readKeeperFile(path)
  const { dev, ino } = statSync(stateDir, { bigint: true })
  // A copy of the directory has another number, and another machine another boot.
  const process = { instance: randomUUID(), boot: bootId, directory: `${dev}:${ino}` }
  let now: Content = { id: before?.id ?? randomUUID(), process, watched: before?.watched ?? [] }
  const write = () => writeFileAtomically(path, `${JSON.stringify(now, null, 2)}\n`, 0o600)
  await write()
  const last = before?.process
  const ranHere =
    bootId !== '' && last?.boot === bootId && last.directory === process.directory
      ? last.instance
      : undefined
  return {
    id: now.id,
    instance: process.instance,
    isGone: (instance) => instance === ranHere,
    watched: {
      has: (incarnation) => now.watched.includes(incarnation),
      add(incarnation) {
        now = { ...now, watched: [incarnation, ...now.watched].slice(0, WATCHED_MAX) }
        // Where the disk does not take it, the next process watches again.
        write().catch(() => undefined)
      },
    },
  }
}

/** The id of a daemon that is or was a keeper; undefined for any other. @throws {SidecarError} `config`. */
export function readKeeperId(stateDir: string): string | undefined {
  return readKeeperFile(keeperFile(stateDir))?.id
}

function keeperFile(stateDir: string): string {
  return join(stateDir, 'share.json')
}

function readKeeperFile(path: string): Content | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (isDiskError(error) && error.code === 'ENOENT') return undefined
    if (!isDiskError(error) && !(error instanceof SyntaxError)) throw error
  }
  const result = keeperFileSchema.safeParse(parsed)
  if (result.success) return result.data
  throw new SidecarError('config', `${path} cannot be read: it has the id of this keeper.`, {
    hint: 'Put it back from a backup; or move it away: then this is another keeper, and has to take over the apps of the old one (`evo-token share take-over NAME`).',
  })
}
