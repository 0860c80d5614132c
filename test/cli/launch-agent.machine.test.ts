/**
 * `evo-token service` on a Mac, whose launchctl is a stand-in: the agent that it writes is a real
 * property list, and runs the real daemon.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { fillAgent } from '../../src/platform/posix/property-list.ts'
import { isXmlAsWritten } from '../../src/platform/service-xml.ts'
import { createHome, type Home } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { run } from './stand-in.ts'

const missing = missingCommands('python3', 'plistutil')
const TEMPLATE = readFileSync(join(import.meta.dirname, '../../launchd/evo-token.plist'), 'utf8')
const platform = Object.getOwnPropertyDescriptor(process, 'platform')

let home: Home

beforeEach(async () => {
  Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' })
  home = await createHome()
  const bin = join(home.directory, 'bin')
  mkdirSync(bin)
  symlinkSync(join(import.meta.dirname, 'launchctl.py'), join(bin, 'launchctl'))
  mkdirSync(join(home.directory, '.config/evo-token'), { recursive: true })
  writeConfig({ listen: { port: 0 }, vault: { key: 'file' } })
})

afterEach(async () => {
  await service('uninstall', '--force')
  Object.defineProperty(process, 'platform', platform ?? {})
  await home.remove()
})

function writeConfig(config: object) {
  const path = join(home.directory, '.config/evo-token/config.json')
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 })
}

const env = () => ({
  HOME: home.directory,
  PATH: `${join(home.directory, 'bin')}:${process.env.PATH ?? ''}`,
})

const service = (...args: string[]) => run({ env: env() }, ['service', ...args])

const plist = () => join(home.directory, 'Library/LaunchAgents/evo-token.plist')

/** What launchctl was asked to do, but look. */
const commands = () => {
  const log = join(home.directory, 'launchctl.log')
  if (!existsSync(log)) return []
  return readFileSync(log, 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[0])
    .filter((verb) => verb && verb !== 'print')
}

/** As Apple's own reader would have it, which libplist follows; and Python's, for the values. */
function parsed(path: string): Record<string, unknown> {
  expect(spawnSync('plistutil', ['-i', path, '-f', 'xml']).status).toBe(0)
  const script = `import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))`
  const { stdout } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' })
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('service install', () => {
  for (const which of ['cannot be read', 'cannot be written']) {
    itNeeds(missing)(`says where a file of it ${which}, and why`, async () => {
      const library = join(home.directory, 'Library')
      // Root is refused by neither permissions nor owners.
      if (which === 'cannot be read') writeFileSync(library, '')
      else symlinkSync('/proc/self/no/such/place', library)
      const { code, stderr } = await service('install')
      expect(code).toBe(1)
      expect(stderr).toMatch(/Library\S* cannot be used: .*\(E[A-Z]+\)\.\n\S/)
      expect(stderr).not.toContain('bug')
      expect(commands()).toEqual([])
      rmSync(library)
    })
  }

  itNeeds(missing)('shows what it would do, and does it', async () => {
    const shown = await service('install', '--dry-run')
    expect(shown.stdout).toContain(`# ${plist()}\n<?xml`)
    expect(shown.stdout).toContain(
      `launchctl bootstrap gui/${process.getuid?.() ?? 0} ${plist()}\n`,
    )
    expect(existsSync(plist())).toBe(false)
    expect(commands()).toEqual([])

    const installed = await service('install')
    expect(installed, installed.stderr).toMatchObject({ code: 0 })
    expect(installed.stderr).toContain('The service runs and answers.')
    const log = join(home.directory, 'Library/Logs/evo-token.log')
    expect(installed.stderr).toContain(`Its log: tail -f ${log}`)
    // It answers before what it logs is in the file.
    await until('it logs that it listens', () =>
      readFileSync(log, 'utf8').includes('"msg":"listening"'),
    )
    expect(commands()).toEqual(['enable', 'bootstrap'])
    expect(parsed(plist())).toEqual({
      ...parsed(join(import.meta.dirname, '../../launchd/evo-token.plist')),
      ProgramArguments: [
        process.execPath,
        expect.stringMatching(/^\/.*\/dist\/main\.js$/) as string,
        'serve',
      ],
      StandardOutPath: log,
      StandardErrorPath: log,
    })

    expect((await service('install')).stderr).toContain('already installed and running')
    expect(await service('status')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^state: +running$[^]*as written$/m) as string,
    })
    const { daemon } = JSON.parse((await service('status', '--json')).stdout) as {
      daemon: { reachable: boolean }
    }
    expect(daemon.reachable).toBe(true)
  })

  itNeeds(missing)(
    'loads it anew where the agent changes, and not over what a person changed',
    async () => {
      await service('install')
      const other = join(home.directory, 'other.json')
      writeFileSync(other, '{"listen":{"port":0},"vault":{"key":"file"}}', { mode: 0o600 })
      const again = await service('install', '--config', other)
      expect(again, again.stderr).toMatchObject({ code: 0 })
      expect(commands()).toEqual(['enable', 'bootstrap', 'bootout', 'enable', 'bootstrap'])
      expect(parsed(plist()).ProgramArguments).toContain(other)

      writeFileSync(plist(), readFileSync(plist(), 'utf8').replace('<integer>10<', '<integer>9<'))
      const refused = await service('install')
      expect(refused.code).toBe(1)
      expect(refused.stderr).toContain('was changed since evo-token wrote it')
      expect((await service('install', '--force')).code).toBe(0)
      expect(parsed(plist()).ThrottleInterval).toBe(10)
    },
  )

  itNeeds(missing)(
    'says why the daemon does not serve, and what is wrong with the config',
    async () => {
      mkdirSync(join(home.directory, '.local/state/evo-token'), { recursive: true, mode: 0o777 })
      spawnSync('chmod', ['777', join(home.directory, '.local/state/evo-token')])
      const failed = await service('install')
      expect(failed.code).toBe(1)
      expect(failed.stderr).toContain('The service does not answer. Its log says:')
      expect(failed.stderr).toContain('.local/state/evo-token')
      writeConfig({ listen: { port: 'x' } })
      expect(await service('install')).toMatchObject({ code: 2 })
      expect(await service('install', '--system')).toMatchObject({ code: 2 })
    },
  )
})

describe('service uninstall', () => {
  itNeeds(missing)('ends it and leaves the vault, unless that is to go too', async () => {
    await service('install')
    const state = join(home.directory, '.local/state/evo-token')
    const left = await service('uninstall')
    expect(left.stderr).toContain(`The vault stays in ${state}`)
    expect(existsSync(plist())).toBe(false)
    expect(await service('status')).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('not loaded') as string,
    })
    expect((await service('uninstall')).stderr).toContain('No service is installed.')
    expect((await service('uninstall', '--purge')).code).toBe(0)
    expect(existsSync(state)).toBe(false)
    expect((await service('uninstall', '--purge')).stderr).toContain('contains no vault')
  })
})

describe('the agent', () => {
  itNeeds(missing)('keeps every character of a path, or refuses it', () => {
    const path = join(home.directory, 'a.plist')
    const command = ['/opt/R&D <new>/node', "/it's/$1 $& main.js", 'serve']
    const text = fillAgent(TEMPLATE, { command, log: '/logs/$2&.log', program: 'abc' })
    writeFileSync(path, text)
    expect(parsed(path)).toMatchObject({
      ProgramArguments: command,
      StandardOutPath: '/logs/$2&.log',
      StandardErrorPath: '/logs/$2&.log',
    })
    expect(isXmlAsWritten(text)).toBe(true)
    expect(isXmlAsWritten(`${text} `)).toBe(false)
    expect(isXmlAsWritten(TEMPLATE)).toBe(false)
    const filling = { command: ['a\nb'], log: '/l', program: 'abc' }
    expect(() => fillAgent(TEMPLATE, filling)).toThrow('control character')
  })
})
