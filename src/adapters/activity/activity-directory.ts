/**
 * The directory of the activity: private, and bounded by age and by bytes. Lines are appended; a kill
 * in the middle of one leaves a damaged line, and the next one begins on a line of its own.
 */
import { appendFile, lstat, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { notPrivateBecause } from '../files/private-directory.ts'

export interface Kept {
  readonly maxAgeMs: number
  readonly maxBytes: number
}

export interface KeptFile {
  readonly name: string
  /** The instant in its name. */
  readonly from: number
}

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
    await appendFile(join(this.#path, name), start + lines, { mode: 0o600 })
    this.#whole.add(name)
  }

  /** Replaces the whole file. */
  async write(name: string, lines: string): Promise<void> {
    await this.#prepare()
    await writeFileAtomically(join(this.#path, name), lines, 0o600)
    this.#whole.add(name)
  }

  /** The lines of a file, damaged ones among them; none where there is no file. */
  async read(name: string): Promise<readonly string[]> {
    const text = await readFile(join(this.#path, name), 'utf8').catch(emptyIfMissing)
    return text.split('\n').filter((line) => line !== '')
  }

  async sizeOf(name: string): Promise<number> {
    const found = await stat(join(this.#path, name)).catch(undefinedIfMissing)
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

  /** Deletes what is too old, then the oldest until the rest fits. */
  async prune(prefix: string, { maxAgeMs, maxBytes }: Kept, now: number): Promise<void> {
    const files = await this.list(prefix)
    const sizes = await Promise.all(files.map(({ name }) => this.sizeOf(name)))
    let bytes = sizes.reduce((sum, size) => sum + size, 0)
    for (const [index, { name, from }] of files.entries()) {
      const isNewest = index === files.length - 1
      if (isNewest || (now - from <= maxAgeMs && bytes <= maxBytes)) return
      await rm(join(this.#path, name), { force: true })
      bytes -= sizes[index] ?? 0
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
      : 'is no directory.'
    if (reason !== undefined) {
      throw new SidecarError('failed', `The activity directory ${this.#path} ${reason}`)
    }
    this.#isPrepared = true
  }
}

function emptyIfMissing(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error
  return ''
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
