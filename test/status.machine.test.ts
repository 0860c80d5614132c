/** `status` on a terminal, beside the daemon that it tells of. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { seededHome } from './faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { runCli, startDaemonProcess } from './support/daemon-process.ts'
import { itNeeds } from './support/needs.ts'
import { noTerminal, onTerminal } from './support/terminal.ts'
import { until } from './support/until.ts'

const it = itNeeds(noTerminal())

const GREEN = '\u001b[32m'
const RED = '\u001b[31m'

let server: RunningAuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer()
})

afterAll(async () => {
  await server.close()
})

const rowOf = (screen: string, app: string) =>
  screen.split('\n').find((line) => line.startsWith(`${app} `)) ?? ''

describe('status on a terminal', () => {
  it('is a table with colours and the time left, unless colours are not wanted', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh', other: 'fresh' } })
    await using _daemon = await startDaemonProcess(home)
    await runCli(home, ['logout', 'other'])
    const coloured = onTerminal(home, 'status')
    expect(await coloured.ended).toEqual([0, null])
    expect(coloured.text()).toMatch(/^APP +TYPE +SESSION +TOKEN +TIME LEFT +NEXT REFRESH +PROBLEM/)
    expect(rowOf(coloured.text(), 'me')).toContain(`${GREEN}active`)
    expect(rowOf(coloured.text(), 'me')).toMatch(/\d+ min +in \d+ min/)
    expect(rowOf(coloured.text(), 'other')).toContain(`${RED}signed-out`)
    const plain = onTerminal(home, 'status', { NO_COLOR: '1' })
    await plain.ended
    expect(plain.text()).not.toContain('\u001b[')
  })

  it('with --watch is drawn anew as time passes and things change, until Ctrl-C', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh', other: 'fresh' } })
    await using _daemon = await startDaemonProcess(home)
    const watching = onTerminal(home, 'status --watch')
    await until('the app is shown as active', watching.screen, (screen) =>
      rowOf(screen, 'other').includes(`${GREEN}active`),
    )
    const drawn = watching.text().length
    await until('the table is drawn anew', () => watching.text().length > drawn)
    await runCli(home, ['logout', 'other'])
    await until('the app is shown as signed out', watching.screen, (screen) =>
      rowOf(screen, 'other').includes(`${RED}signed-out`),
    )
    expect(rowOf(watching.screen(), 'me')).toContain(`${GREEN}active`)
    watching.interrupt()
    await watching.ended
  })

  it('with --watch shows no rows of a daemon that hangs, and its rows again when it goes on', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    await using daemon = await startDaemonProcess(home)
    const watching = onTerminal(home, 'status --watch')
    const isShown = (screen: string) => rowOf(screen, 'me').includes(`${GREEN}active`)
    await until('the app is shown', watching.screen, isShown)
    process.kill(daemon.pid, 'SIGSTOP')
    try {
      await until(
        'it says that the daemon does not answer',
        watching.screen,
        (screen) => screen.includes('The daemon does not answer') && !isShown(screen),
        { limitMs: 90_000 },
      )
    } finally {
      process.kill(daemon.pid, 'SIGCONT')
    }
    await until('the app is shown again', watching.screen, isShown)
    watching.interrupt()
    await watching.ended
  }, 150_000)
})
