/**
 * Python and Jupyter of Windows with a daemon outside of it, as they use one in WSL2: by EVO_TOKEN_URL and a key
 * in a file.
 */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { runCli } from '../support/daemon-process.ts'
import { type EvoWorld, startEvoWorld } from '../support/evo-world.ts'
import { itNeeds } from '../support/needs.ts'
import { noWindowsPython, startWindows, type Windows } from '../support/wine.ts'
import { noLauncher, plant } from './git-of-windows.ts'

const it = itNeeds(noWindowsPython())
const itHasLauncher = itNeeds(noWindowsPython() ?? noLauncher)
const KEY_FILE = String.raw`C:\users\root\Schlüssel für Jupyter`
const PYTHON_TESTS = join(import.meta.dirname, '../python')

let world: EvoWorld
let windows: Windows
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  if (noWindowsPython() !== undefined) return
  world = await startEvoWorld(600)
  windows = await startWindows()
  const added = await runCli(world.home, ['caller', 'add', 'jupyter'])
  // As PowerShell 5 writes it.
  await writeFile(windows.local(KEY_FILE), `\ufeff${added.stdout.trim()}\r\n`, 'utf16le')
  env = {
    EVO_TOKEN_URL: world.url(),
    EVO_TOKEN_KEY_FILE: KEY_FILE,
    EVO_TOKEN_CALLER: 'jupyter',
    EVO_TOKEN_APP: 'pipeline',
    EVO_DISCOVERY_URL: world.api.url,
  }
})

afterAll(async () => {
  if (noWindowsPython() !== undefined) return
  await windows[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

describe('a Python of Windows in a directory with programs', () => {
  const CLONE = String.raw`C:\Klon`
  const TOOLS = String.raw`C:\Program Files\evo`
  const FIND = `
import os, evo_token
os.chdir(${JSON.stringify(CLONE)})
from evo_token import _service, _setup
print(_service.look().state)
try:
    print(_setup.command())
    print(_setup._call("Müller").stdout)
except evo_token.EvoTokenError as error:
    print(error)
`

  itHasLauncher('starts none of them', async () => {
    const marker = String.raw`C:\planted.txt`
    const writes = `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')`
    for (const name of ['evo-token', 'systemctl']) plant(windows, CLONE, name, writes)
    const path = { WINEPATH: '.', PYTHONIOENCODING: 'utf-8' }
    const asked = await windows.python(['-c', FIND], path)
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(asked.stdout).toMatch(/^none\r?\n.*The daemon is not installed here/)
    expect(existsSync(windows.local(marker))).toBe(false)

    plant(windows, TOOLS, 'evo-token', 'console.log(process.argv[2])')
    const found = await windows.python(['-c', FIND], { ...path, WINEPATH: `.;${TOOLS}` })
    const [, line = '', said] = found.stdout.split(/\r?\n/)
    expect(line.toLowerCase()).toContain(String.raw`['c:\\program files\\evo\\evo-token.exe']`)
    expect(said).toBe('Müller')
    expect(existsSync(windows.local(marker))).toBe(false)
  })
})

describe('a Python of Windows with a daemon in WSL2', () => {
  it('asks Evo with the SDK and its token', async () => {
    const ran = await windows.python(
      [windows.path(join(PYTHON_TESTS, 'sdk-job.py'))],
      env,
      'once\n',
    )
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout.trim()).toBe('Test Mining')
  })

  it('shows its apps in a Jupyter kernel, which has the token', async () => {
    const cells = [
      '%load_ext evo_token',
      '%evo_status pipeline',
      "import sys, evo_token; print(sys.platform, evo_token.get_token('pipeline').app)",
      '%evo_status nothing',
    ]
    const ran = await windows.python([windows.path(join(PYTHON_TESTS, 'kernel.py')), ...cells], env)
    expect(ran.stdout).toMatch(/^pipeline +service +active +fresh/m)
    expect(ran.stdout).toContain('text/html <table')
    expect(ran.stdout).toContain('win32 pipeline')
    expect(ran.stdout).not.toContain('Traceback')
    expect(ran.code).toBe(0)
  })
})
