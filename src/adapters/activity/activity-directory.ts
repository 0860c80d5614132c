/**
 * The directory of the activity: private, and bounded by age and by bytes. Lines are appended; a kill
 * in the middle of one leaves a damaged line, and the next one begins on a line of its own.
 */
import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'
import { removeTemporaries, writeFileAtomically } from '../files/atomic-file.ts'
import { notPrivateBecause } from '../files/private-directory.ts'

export interface Retention {
  readonly maxAgeMs: number
  readonly maxBytes: number
}

export interface KeptFile {
  readonly name: string
  /** The instant in its name. */
  readonly from: number
}

/** More than the whole directory holds: not ours. */
const READ_MAX_BYTES = 32 * 1024 * 1024

const { O_APPEND, O_CREAT, O_RDONLY, O_WRONLY } = constants
/** Refuses links, and does not wait for the other end of a pipe. */
const NO_OTHER = platform.files.NO_FOLLOW | platform.files.NO_WAIT

export class ActivityDirectory {
  readonly #path: string
  /** Files whose last line is known to be whole. */
  readonly #whole = new Set<string>()
  #isPrepared = false

  constructor(path: string) {
    this.#path = path
  }

  /** @throws what the disk says; {SidecarError} `failed` where others could reach into the directory. */
  async append(name: string, lines: string): Promise<void> {
    await this.#prepare()
    const start = this.#whole.has(name) ? '' : '\n'
    this.#whole.delete(name)
    const flags = O_WRONLY | O_APPEND | O_CREAT | NO_OTHER
    const file = await platform.files.whenFree(() => open(join(this.#path, name), flags, 0o600))
    try {
      await file.appendFile(start + lines)
    } finally {
      await file.close()
    }
    this.#whole.add(name)
  }

  /** Replaces the whole file. */
  async write(name: string, lines: string): Promise<void> {
    await this.#prepare()
    await writeFileAtomically(join(this.#path, name), lines, 0o600)
    this.#whole.add(name)
  }

  /** The lines of a file, damaged ones included; none where there is no file of ours. */
  async read(name: string): Promise<readonly string[]> {
    const file = await platform.files
      .whenFree(() => open(join(this.#path, name), O_RDONLY | NO_OTHER))
      .catch(undefinedIfNotOurs)
    if (!file) return []
    try {
      const stats = await file.stat()
      if (!stats.isFile() || stats.size > READ_MAX_BYTES) return []
      return (await file.readFile('utf8')).split('\n').filter((line) => line !== '')
    } finally {
      await file.close()
    }
  }

  async sizeOf(name: string): Promise<number> {
    const found = await lstat(join(this.#path, name)).catch(undefinedIfMissing)
    return found?.size ?? 0
  }

  /** The files `PREFIX-INSTANT.jsonl`, oldest first. */
  async list(prefix: string): Promise<readonly KeptFile[]> {
    const names = (await readdir(this.#path).catch(undefinedIfMissing)) ?? []
    return names
      .flatMap((name) => {
        const from = new RegExp(`^${prefix}-(\\d{1,15})\\.jsonl$`).exec(name)?.[1]
        return from === undefined ? [] : [{ name, from: Number(from) }]
      })
      .sort((one, other) => one.from - other.from)
  }

  /** Deletes what is too old, then what is farthest from `now` until the rest fits: a clock may have been wrong. */
  async prune(prefix: string, { maxAgeMs, maxBytes }: Retention, now: number): Promise<void> {
    const files = await this.list(prefix)
    const sizes = await Promise.all(files.map(({ name }) => this.sizeOf(name)))
    const byDistance = files
      .map(({ name, from }, index) => ({ name, ago: now - from, size: sizes[index] ?? 0 }))
      .sort((one, other) => Math.abs(one.ago) - Math.abs(other.ago))
    let bytes = 0
    for (const { name, ago, size } of byDistance) {
      bytes += size
      if (ago <= maxAgeMs && bytes <= maxBytes) continue
      // A directory of that name is not ours.
      await platform.files.removeFile(join(this.#path, name)).catch(undefinedIfNotOurs)
    }
  }

  async #prepare(): Promise<void> {
    if (this.#isPrepared) return
    await mkdir(this.#path, { mode: 0o700 }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
    const stats = await lstat(this.#path)
    const reason = stats.isDirectory()
      ? notPrivateBecause(this.#path, stats, ownership.userId())
      : 'is not a directory.'
    if (reason !== undefined) {
      throw new SidecarError('failed', `The activity directory ${this.#path} ${reason}`)
    }
    // Otherwise a daemon that is killed during writes again and again would fill the disk.
    await removeTemporaries(this.#path)
    this.#isPrepared = true
  }
}

/** Missing, a link, a directory, or another user's: as unreadable as a damaged line. */
const UNREADABLE_FILE_CODES: ReadonlySet<string | undefined> = new Set([
  'ENOENT',
  'ELOOP',
  'EISDIR',
  'ERR_FS_EISDIR',
  'ENXIO',
  'EACCES',
  'EPERM',
])

function undefinedIfNotOurs(error: NodeJS.ErrnoException): undefined {
  if (!UNREADABLE_FILE_CODES.has(error.code)) throw error
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
