/** `serve` on a terminal is for people; elsewhere, and with --json, it is for programs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { createHome, runCli, startDaemonProcess } from './support/daemon-process.ts'
import { itNeeds } from './support/needs.ts'
import { noTerminal, onTerminal } from './support/terminal.ts'
import { until } from './support/until.ts'

const it = itNeeds(noTerminal())

const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  vault: { key: 'file' },
  apps: { 'evo-me': { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

describe('serve', () => {
  it('on a terminal writes plain lines, and no JSON at all', async () => {
    await using home = await createHome(CONFIG)
    const serving = onTerminal(home, 'serve --log-level debug')
    await until('it needs a person', serving.text, (text) =>
      text.includes('evo-me needs you: evo-token login evo-me'),
    )
    expect(serving.text()).toMatch(
      /^\d\d:\d\d:\d\d {2}evo-token answers at http:\/\/127\.0\.0\.1:\d+\. It runs until you press Ctrl-C/m,
    )
    // What is refused, changed and stopped is told as well.
    await runCli(home, ['get', 'evo-me'])
    await runCli(home, ['reload'])
    serving.interrupt()
    expect(await serving.ended).toEqual([0, null])
    const lines = serving.text().split('\r\n').filter(Boolean)
    expect(lines.length).toBeGreaterThan(2)
    expect(lines.filter((line) => !/^(\^C)?\d\d:\d\d:\d\d {2}\S/.test(line))).toEqual([])
    expect(serving.text()).not.toMatch(/[{}]|"msg"/)
  })

  it('reads its config again at a signal, and ends with the window in which it runs', async () => {
    await using home = await createHome(CONFIG)
    const serving = onTerminal(home, 'serve')
    await until('it answers', serving.text, (text) => text.includes('evo-token answers at'))
    const { pid } = JSON.parse(readFileSync(join(home.stateDir, 'endpoint.json'), 'utf8')) as {
      pid: number
    }
    process.kill(pid, 'SIGHUP')
    await until('it has read its config', serving.text, (text) => text.includes('reloaded'))
    serving.close()
    await until(
      'it has ended',
      () => runCli(home, ['status']),
      ({ code }) => code === 4,
    )
  })

  it('writes JSON with --json, on a terminal too', async () => {
    await using home = await createHome(CONFIG)
    const serving = onTerminal(home, 'serve --json')
    await until('it listens', serving.text, (text) => text.includes('"msg":"listening"'))
    serving.interrupt()
    await serving.ended
    const lines = serving.text().replaceAll('^C', '').split('\r\n').filter(Boolean)
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('msg')
  })

  it('writes JSON where no terminal is', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home)
    expect(daemon.log[0]).toHaveProperty('msg')
  })
})
