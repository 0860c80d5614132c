/** `service status` reads the config that a service was installed with: whatever its path, and however a service manager writes that. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { configInAgent, fillAgent } from '../../src/platform/posix/property-list.ts'
import { configInUnit, fillService } from '../../src/platform/posix/systemd-units.ts'
import { configInTask, fillTask } from '../../src/platform/windows/task-xml.ts'

const POSIX = ['/etc/evo-token/config.json', '/a b/100%/$HOME/"c" & <d>/\\e.json', "/it's/--x y"]
const WINDOWS = ['C:\\evo\\config.json', 'C:\\R & D (x)\\100% <evo>\\', "C:\\it's\\--x y.json"]

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
const optionsOf = (config: string | undefined) => [
  ...(config === undefined ? [] : ['--config', config]),
  '--state-dir',
  '/state',
]

it.each([undefined, ...POSIX])('reads %s in a unit', (config) => {
  const unit = fillService(read('systemd/user/evo-token.service'), {
    program: { node: '/n', main: '/m', digest: '1' },
    options: optionsOf(config),
    listen: { host: '127.0.0.1', port: 1 },
    ipv6: true,
    group: undefined,
    credentials: [],
    stateDir: '/state',
    writable: [],
  })
  expect(configInUnit(unit)).toBe(config)
})

it('reads it in a unit that a person wrote', () => {
  const line = 'ExecStart=/usr/bin/node /m serve --config /etc/evo/config.json --log-file /x'
  expect(configInUnit(`[Service]\n${line}\n`)).toBe('/etc/evo/config.json')
})

it.each([undefined, ...POSIX])('reads %s in an agent', (config) => {
  const agent = fillAgent(read('launchd/evo-token.plist'), {
    command: ['/n', '/m', 'serve', ...optionsOf(config)],
    log: '/log',
    program: '1',
  })
  expect(configInAgent(agent)).toBe(config)
})

it.each([undefined, ...WINDOWS])('reads %s in a task', (config) => {
  const task = fillTask(read('windows/evo-token.xml'), {
    user: 'S-1-5-21-1',
    command: ['C:\\n.exe', 'C:\\m', 'serve', ...optionsOf(config)],
    program: '1',
  })
  expect(configInTask(task)).toBe(config)
})
