/** What is done to files and with programs of Windows, by the built modules themselves. */
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { noWindows, startWindows, type Windows } from '../support/wine.ts'

const it = itNeeds(noWindows())
const SOURCES = join(dirname(MAIN), '../build/src')

let windows: Windows

beforeAll(async () => {
  if (noWindows() === undefined) windows = await startWindows()
})

afterAll(async () => {
  if (noWindows() === undefined) await windows[Symbol.asyncDispose]()
})

async function run(program: string): Promise<unknown> {
  const text = `
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
const { openLocked, removeFile, replaceFile } = await import(${module('platform/windows/files.js')})
${program}`
  const ran = await windows.node(['--input-type=module', '-e', text])
  const { stdout, stderr } = await ran.ended()
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

function module(name: string): string {
  return JSON.stringify(`file:///${windows.path(join(SOURCES, name)).replaceAll('\\', '/')}`)
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

it('deletes a file that another program has to itself, as soon as it lets go, and one that is not there', async () => {
  const seen = await run(String.raw`
writeFileSync('C:\\scanned', 'old')
const scanner = await openLocked('C:\\scanned')
let open = true
setTimeout(() => { open = false; closeSync(scanner) }, 300)
await removeFile('C:\\scanned')
await removeFile('C:\\scanned')
process.stdout.write(JSON.stringify({ open, there: existsSync('C:\\scanned') }))`)
  expect(seen).toEqual({ open: false, there: false })
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

it('opens an address in the browser, whole', async () => {
  const opened = await windows.handleHttp()
  const address = 'http://localhost:3000/a%20b?one=1&two="2"&three=a+b^c#d&e'
  const seen = await run(`
const { openBrowser } = await import(${module('cli/signing-in/login-browser.js')})
process.stdout.write(JSON.stringify(await openBrowser(${JSON.stringify(address)})))`)
  expect(seen).toBe(true)
  const told = await until('the handler is called', opened, (it) => it !== undefined)
  expect(told).toEqual([new URL(address).href])
})
