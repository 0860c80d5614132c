/** What is done to files on Windows, by the built modules themselves. */
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { noWindows, startWindows, type Windows } from '../support/wine.ts'

const it = itNeeds(noWindows())
const FILES = join(dirname(MAIN), '../build/src/platform/windows/files.js')

let windows: Windows

beforeAll(async () => {
  if (noWindows() === undefined) windows = await startWindows()
})

afterAll(async () => {
  if (noWindows() === undefined) await windows[Symbol.asyncDispose]()
})

async function run(program: string): Promise<unknown> {
  const url = `file:///${windows.path(FILES).replaceAll('\\', '/')}`
  const text = `
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
const { openLocked, replaceFile } = await import(${JSON.stringify(url)})
${program}`
  const ran = await windows.node(['--input-type=module', '-e', text])
  const { stdout, stderr } = await ran.ended()
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

it('replaces a file that a reader holds open, as soon as it is closed', async () => {
  const seen = await run(String.raw`
writeFileSync('C:\\old', 'old')
writeFileSync('C:\\new', 'new')
const reader = openSync('C:\\old', 'r')
let open = true
setTimeout(() => { open = false; closeSync(reader) }, 300)
await replaceFile('C:\\new', 'C:\\old')
process.stdout.write(JSON.stringify({ open, text: readFileSync('C:\\old', 'utf8') }))`)
  expect(seen).toEqual({ open: false, text: 'new' })
})

it('locks a file for one process, until that ends', async () => {
  const seen = await run(String.raw`
const first = await openLocked('C:\\lock')
const second = await openLocked('C:\\lock')
closeSync(first)
const third = await openLocked('C:\\lock')
process.stdout.write(JSON.stringify([first, second, third].map((one) => typeof one)))`)
  expect(seen).toEqual(['number', 'undefined', 'number'])
})
