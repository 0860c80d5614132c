/** Every test runs in the project that its file's name says, and a unit test can do nothing else. */
import childProcess, { exec, execFile, fork, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync, readdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROJECTS, SLOWEST } from './projects.ts'

it('has a project for each ending of a test file', () => {
  const endings = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => basename(path, '.test.ts').split('.').slice(1).join('.') || 'unit')
  expect([...new Set(endings)].sort()).toEqual([...PROJECTS].sort())
})

it('knows no slow file that is gone', () => {
  for (const path of SLOWEST) expect(existsSync(join(import.meta.dirname, path)), path).toBe(true)
})

describe('a unit test', () => {
  it.each<[string, () => unknown]>([
    ['spawn', () => spawn('true')],
    ['exec', () => exec('true')],
    ['execFile', () => execFile('true')],
    ['fork', () => fork('nothing.js')],
    ['spawnSync', () => spawnSync('true')],
    ['execSync', () => childProcess.execSync('true')],
    ['execFileSync', () => childProcess.execFileSync('true')],
  ])('cannot start a process with %s', (_name, start) => {
    expect(start).toThrow(/starts a process.*\.process\.test\.ts/)
  })

  it.each<[string, () => unknown]>([
    ['a port', () => createServer().listen(0)],
    ['a socket', () => createServer().listen('/tmp/a-socket')],
    ['a connection', () => connect(1)],
    ['a UDP port', () => createSocket('udp4').bind()],
  ])('cannot open %s', (_name, open) => {
    expect(open).toThrow(/opens a (port|connection).*\.process\.test\.ts/)
  })

  it('cannot ask a server', async () => {
    await expect(fetch('http://127.0.0.1:13860')).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/opens a connection/) as string },
    })
  })
})
