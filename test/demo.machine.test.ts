/** The demo, as its reader meets it: the lines that it prints work as printed, and it cleans up. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { itNeeds, missingCommands } from './support/needs.ts'
import { until } from './support/until.ts'

const DEMO = join(import.meta.dirname, '../build/demo/demo.js')
const sh = promisify(execFile)

itNeeds(missingCommands('curl', 'python3'))(
  'prints lines that work as printed, and leaves nothing behind on Ctrl-C',
  async () => {
    const demo = spawn(process.execPath, [DEMO])
    const exited = once(demo, 'exit') as Promise<[number | null]>
    let printed = ''
    demo.stdout.setEncoding('utf8').on('data', (piece: string) => (printed += piece))
    await until(
      'the demo shows its apps',
      () => printed,
      (text) => /^demo-pipeline /m.test(text),
    )

    // Each line to paste is indented, under a comment; Python's goes on until its closing quote.
    const [curl, commandLine, python] = printed
      .split(/^ {2}# .*$/m)
      .slice(1)
      .map((part) => part.split(/\n\nCtrl-C/)[0]?.trim() ?? '')
    const run = async (command = '') => (await sh('sh', ['-c', command])).stdout
    const { access_token: token } = JSON.parse(await run(curl)) as { access_token: string }
    expect(token).toMatch(/^eyJ/)
    expect(await run(commandLine)).toBe(`${token}\n`)
    expect(await run(python)).toBe(`${token}\n`)

    const home = /--state-dir (\S+)\/state/.exec(printed)?.[1] ?? ''
    expect(existsSync(home)).toBe(true)
    demo.kill('SIGINT')
    expect(await exited).toEqual([0, null])
    expect(existsSync(home)).toBe(false)
  },
)
