import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createBoundedFile } from '../../src/adapters/log/bounded-file.ts'

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-log-'))
  path = join(directory, 'daemon.log')
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

it('keeps the last lines, and no more than twice its size', () => {
  const file = createBoundedFile(path, 20)
  for (let line = 1; line <= 9; line++) file.write(`line ${line}\n`)
  expect(readFileSync(path, 'utf8')).toBe('line 9\n')
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('line 7\nline 8\n')
})

it('counts what was there before', () => {
  createBoundedFile(path, 20).write('line 1\nline 2\n')
  createBoundedFile(path, 20).write('line 3\n')
  expect(readFileSync(path, 'utf8')).toBe('line 3\n')
})

it('goes on, for as much again, in a file that another program does not let it move', () => {
  // Here a directory is in its way; on Windows a program that follows the log is.
  mkdirSync(`${path}.1/full`, { recursive: true })
  const file = createBoundedFile(path, 20)
  for (let line = 1; line <= 9; line++) file.write(`line ${line}\n`)
  expect(readFileSync(path, 'utf8')).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n')
  rmSync(`${path}.1`, { recursive: true })
  file.write('line 10\n')
  expect(readFileSync(path, 'utf8')).toBe('line 6\nline 7\nline 8\nline 9\nline 10\n')
})

it('writes later, in order, what the disk refused, up to a bound', () => {
  path = join(directory, 'gone', 'daemon.log')
  const file = createBoundedFile(path)
  expect(() => {
    file.write('line 1\n')
    file.write('line 2\n')
  }).not.toThrow()
  mkdirSync(join(directory, 'gone'))
  file.write('line 3\n')
  expect(readFileSync(path, 'utf8')).toBe('line 1\nline 2\nline 3\n')

  rmSync(join(directory, 'gone'), { recursive: true })
  for (let line = 0; line < 1000; line++) file.write(`${'x'.repeat(1023)}\n`)
  mkdirSync(join(directory, 'gone'))
  file.flush()
  expect(readFileSync(path, 'utf8')).toHaveLength(256 * 1024)
})
