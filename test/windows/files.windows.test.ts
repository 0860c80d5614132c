/** What is done to files and with programs of Windows, by the built modules themselves. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { fillTask } from '../../src/platform/windows/task-xml.ts'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { noWindows, startWindows, type Windows } from '../support/wine.ts'

const it = itNeeds(noWindows())
const SOURCES = join(dirname(MAIN), '../build/src')
const TEMPLATE = join(dirname(MAIN), '../windows/evo-token.xml')

let windows: Windows

beforeAll(async () => {
  if (noWindows() === undefined) windows = await startWindows()
})

afterAll(async () => {
  if (noWindows() === undefined) await windows[Symbol.asyncDispose]()
})

async function run(program: string): Promise<unknown> {
  const text = `
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
const { openLocked, replaceFile } = await import(${module('platform/windows/files.js')})
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

it('writes a task that the Task Scheduler takes', async () => {
  const task = fillTask(readFileSync(TEMPLATE, 'utf8'), {
    user: 'S-1-5-21-1-2-3-1000',
    command: [windows.nodeExe, String.raw`C:\Müller & Söhne\100% <x>\main.js`, 'serve'],
    program: 'digest',
  })
  const create = async (name: string, text: string) => {
    const path = `C:\\${name}.xml`
    await writeFile(windows.local(path), `\ufeff${text}`, 'utf16le')
    return windows.command(['schtasks', '/create', '/tn', name, '/xml', path, '/f'])
  }
  // In a new Windows Wine does not start it by itself.
  await windows.command(['net', 'start', 'schedule'])
  await until(
    'the Task Scheduler takes it',
    () => create('good', task),
    (code) => code === 0,
  )
  expect(await create('bad', task.replace('</Triggers>', ''))).not.toBe(0)
  expect(await windows.command(['schtasks', '/delete', '/tn', 'good', '/f'])).toBe(0)
})
