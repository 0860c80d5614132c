/** A disk of its own for a test, small enough to fill: a tmpfs, which takes root to mount. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk extends Disposable {
  readonly path: string
  /** Takes everything that is free but `leave` bytes. */
  fill(leave?: number): void
  empty(): void
  makeReadOnly(readOnly: boolean): void
}

/** Why a test cannot have one; undefined where it can. */
export function noSmallDisk(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a tmpfs takes root'
  const probe = mkdtempSync(join(tmpdir(), 'evo-token-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', probe]).status === 0
  if (mounted) execFileSync('umount', [probe])
  rmdirSync(probe)
  return mounted ? undefined : 'this container may not mount a tmpfs'
}

export function mountSmallDisk(sizeKiB = 512): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'evo-token-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKiB}k,mode=700`, 'tmpfs', path])
  const filler = join(path, 'filler')
  return {
    path,
    fill(leave = 0) {
      const { bavail, bsize } = statfsSync(path)
      try {
        writeFileSync(filler, Buffer.alloc(bavail * bsize - leave, 1))
      } catch (error) {
        // A daemon that writes meanwhile fills it faster: full is full.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC' || leave > 0) throw error
      }
    },
    empty() {
      rmSync(filler, { force: true })
    },
    makeReadOnly(readOnly) {
      execFileSync('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, path])
    },
    [Symbol.dispose]() {
      // Lazily: a process of a failed test may still have a file open there.
      execFileSync('umount', ['-l', path])
      rmdirSync(path)
    },
  }
}
