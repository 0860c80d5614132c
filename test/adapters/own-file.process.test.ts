/** What takes the place of a file between the look at it and its opening. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readSmallFile } from '../../src/adapters/files/small-file.ts'
import { findOwnFile, readOwnFile } from '../../src/adapters/files/own-file.ts'

function createPlace(): string {
  const directory = mkdtempSync(join(tmpdir(), 'evo-own-'))
  onTestFinished(() => {
    rmSync(directory, { recursive: true })
  })
  return join(directory, '.env')
}

/** A pipe that nothing writes to; what waits to open it when the test ends goes on then. */
function createPipe(): string {
  const path = createPlace()
  execFileSync('mkfifo', [path])
  onTestFinished(() => {
    closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  })
  return path
}

describe('a file that was found and is opened', () => {
  it('is not waited for where it is a named pipe by now', { timeout: 10_000 }, async () => {
    const path = createPipe()
    await expect(readOwnFile(path, 1024)).rejects.toThrow(`${path} is a named pipe, not a file.`)
  })

  it('is not followed where it is a link by now', async () => {
    const path = createPlace()
    writeFileSync(`${path}.other`, 'A=1\n')
    symlinkSync(`${path}.other`, path)
    await expect(readOwnFile(path, 1024)).rejects.toMatchObject({ code: 'ELOOP' })
  })

  it('is no longer there where it was removed', async () => {
    expect(await readOwnFile(createPlace(), 1024)).toBeUndefined()
  })
})

describe('a file in which the kernel shows itself', () => {
  const kernel = `/proc/${process.pid}/status`
  it.skipIf(process.platform !== 'linux')('is no place for a token', async () => {
    await expect(findOwnFile(kernel)).rejects.toThrow(`${kernel} would not be a file on a disk.`)
    await expect(findOwnFile('/proc/none.env')).rejects.toThrow('would not be a file on a disk')
  })

  it.skipIf(process.platform !== 'linux')('is not read where a setting names it', async () => {
    expect(readSmallFile(kernel, 1024)).toEqual({ kind: 'read', bytes: Buffer.alloc(0) })
  })
})
