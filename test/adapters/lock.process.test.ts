import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireLock } from '../../src/adapters/process/lock.ts'
import { type Running, startProgram } from '../support/program.ts'

let directory: string
let started: Running[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-lock-'))
})

afterEach(async () => {
  for (const child of started) child.kill('SIGKILL')
  await Promise.all(started.map((child) => child.ended))
  started = []
  rmSync(directory, { recursive: true })
})

const lockPath = () => join(directory, 'lock')

/** A process that tries to take the lock, says what came of it, and stays. */
function starter(env: NodeJS.ProcessEnv = process.env): Running {
  const child = startProgram(
    `import { acquireLock } from './src/adapters/process/lock.js'
     setInterval(() => {}, 60_000)
     const result = await acquireLock(${JSON.stringify(lockPath())})
     console.log(JSON.stringify(result))`,
    { env },
  )
  started.push(child)
  return child
}

/** How many descriptors this process has on `path`. */
function descriptorsOf(path: string): number {
  const targets = readdirSync('/proc/self/fd').map((descriptor) => {
    // That of the directory itself is gone by now.
    return lstatSync(`/proc/self/fd/${descriptor}`, { throwIfNoEntry: false })
      ? readlinkSync(`/proc/self/fd/${descriptor}`)
      : ''
  })
  return targets.filter((target) => target === path).length
}

async function outcome(child: Running): Promise<{ kind: string; pid?: number }> {
  return JSON.parse(await child.line()) as { kind: string; pid?: number }
}

describe('acquireLock', () => {
  it('gives the lock to one of ten that start at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => outcome(starter())))
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
      'held',
      ...Array.from({ length: 9 }, () => 'taken'),
    ])
  })

  it('names the process that holds it', async () => {
    const holder = starter()
    await outcome(holder)
    expect(await acquireLock(lockPath())).toEqual({ kind: 'taken', pid: holder.pid })
  })

  it('is free after its holder was killed, whose pid is not named any more', async () => {
    const holder = starter()
    await outcome(holder)
    holder.kill('SIGKILL')
    await holder.ended
    expect(readFileSync(lockPath(), 'utf8')).toBe(`${holder.pid}\n`)

    const next = await acquireLock(lockPath())
    expect(next.kind).toBe('held')
    expect(readFileSync(lockPath(), 'utf8')).toBe(`${process.pid}\n`)
    if (next.kind === 'held') next.release()
  })

  it('does not name a process that is no more, while the holder has not signed yet', async () => {
    const [before, holder] = [starter(), await acquireLock(lockPath())]
    await outcome(before)
    before.kill('SIGKILL')
    await before.ended
    writeFileSync(lockPath(), `${before.pid}\n`)
    expect(await acquireLock(lockPath())).toEqual({ kind: 'taken', pid: undefined })
    if (holder.kind === 'held') holder.release()
  })

  const elsewhere = process.platform !== 'linux'
  it.skipIf(elsewhere)('waits a moment for the name of a holder that has yet to sign', async () => {
    const holder = await acquireLock(lockPath())
    writeFileSync(lockPath(), '')
    const second = acquireLock(lockPath())
    // It closes its own when it has been refused, and then looks for the name.
    while (descriptorsOf(lockPath()) > 1) await nextTurn()
    writeFileSync(lockPath(), `${process.pid}\n`)
    expect(await second).toEqual({ kind: 'taken', pid: process.pid })
    if (holder.kind === 'held') holder.release()
  })

  it('stays with a holder that is stopped', async () => {
    const holder = starter()
    await outcome(holder)
    holder.kill('SIGSTOP')
    expect(await acquireLock(lockPath())).toEqual({ kind: 'taken', pid: holder.pid })
    holder.kill('SIGCONT')
  })

  it('excludes a second one in the same process, until it is released', async () => {
    const first = await acquireLock(lockPath())
    expect(await acquireLock(lockPath())).toEqual({ kind: 'taken', pid: process.pid })
    if (first.kind === 'held') first.release()
    const second = await acquireLock(lockPath())
    expect(second.kind).toBe('held')
    if (second.kind === 'held') second.release()
  })

  const { platform } = process
  it.skipIf(platform === 'darwin')('names what to install where there is no flock', async () => {
    const child = starter({ PATH: directory })
    const { stderr } = await child.ended
    expect(stderr).toContain('The command flock, which locks the state directory, cannot be run.')
    expect(stderr).toContain('util-linux')
  })

  it('says why a lock cannot be opened', async () => {
    await expect(acquireLock(join(directory, 'missing/lock'))).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('it is not there (ENOENT)') as string,
    })
  })
})
