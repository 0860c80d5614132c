/** A daemon of Windows and another program, such as a virus scanner, that has its files to itself for a while. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { noWindows, noWindowsPython, startWindows, startWindowsDaemon } from '../support/wine.ts'
import { refresh, signIn } from './kills.ts'

const CONFIG = String.raw`C:\users\root\AppData\Roaming\evo-token\config.json`
const STATE = String.raw`C:\users\root\AppData\Local\evo-token`

/** Opens them as the lock is opened, for less than the daemon waits. */
const HOLDER = `
const { openSync } = require('node:fs')
for (const path of process.argv.slice(1)) openSync(path, 2 | 0x10000000)
console.log('held')
setTimeout(() => process.exit(), 6_000)
`

itNeeds(noWindows())('keeps what is in them, and reads it once they are free', async () => {
  await using server = await startAuthorizationServer()
  await using windows = await startWindows()
  const { service } = server.clients
  const config = {
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: { pipeline: { type: 'service', clientId: service.clientId, scopes: ['evo.discovery'] } },
  }
  await mkdir(dirname(windows.local(CONFIG)), { recursive: true })
  await writeFile(windows.local(CONFIG), JSON.stringify(config))
  await startWindowsDaemon(windows)
  expect(await windows.evoToken(['secret', 'pipeline'], {}, service.clientSecret)).toMatchObject({
    code: 0,
  })
  expect(await windows.evoToken(['get', 'pipeline'])).toMatchObject({ code: 0 })
  expect(await windows.evoToken(['stop'])).toMatchObject({ code: 0 })
  const files = ['vault\\vault.json', 'vault\\pipeline.jwe', 'vault-key', 'owner-key', 'access-key']
  const paths = files.map((name) => `${STATE}\\${name}`)
  const holder = await windows.node(['-e', HOLDER, ...paths])
  await until('it has them', () => holder.stdout().includes('held'))

  await startWindowsDaemon(windows)

  await until(
    'the daemon has read them',
    () => windows.evoToken(['get', 'pipeline']),
    ({ code }) => code === 0,
    { limitMs: 60_000 },
  )
  expect(readdirSync(windows.local(`${STATE}\\vault`)).sort()).toEqual([
    'pipeline.jwe',
    'vault.json',
  ])
  await holder.ended()
})

const WORK = String.raw`C:\work`
const ROUNDS = 2

/** Takes a file that others may read meanwhile, and neither write nor rename nor delete (FILE_SHARE_READ). */
const SHARED_WITH_READERS = `
import ctypes, os, sys, time
from ctypes import wintypes
kernel = ctypes.WinDLL("kernel32")
kernel.CreateFileW.restype = wintypes.HANDLE
kernel.CreateFileW.argtypes = [wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p, wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE]
kernel.CloseHandle.argtypes = [wintypes.HANDLE]
NONE = wintypes.HANDLE(-1).value
def take(path):
    return kernel.CreateFileW(path, 0x80000000, 1, None, 3, 0, None)
`

/** Takes each new file of these directories at once, for 150 ms. Prints how many it had when the file `stop` is there. */
const SCANNER = `${SHARED_WITH_READERS}
held, seen, count = [], {}, 0
open(r"C:\\scans", "w").close()
while not os.path.exists(r"C:\\stop"):
    for directory in sys.argv[1:]:
        for entry in os.scandir(directory):
            try:
                stat = os.stat(entry.path)
                mark = (stat.st_ino, stat.st_mtime_ns)
            except OSError:
                continue
            if not entry.is_file() or seen.get(entry.path) == mark:
                continue
            handle = take(entry.path)
            if handle != NONE:
                seen[entry.path] = mark
                held.append((time.monotonic() + 0.15, handle))
                count += 1
    while held and held[0][0] < time.monotonic():
        kernel.CloseHandle(held.pop(0)[1])
    time.sleep(0.001)
print(count)
`

/** Keeps one file so for two seconds. */
const KEEPER = `${SHARED_WITH_READERS}
taken = take(sys.argv[1]) != NONE
open(r"C:\\kept", "w").close()
time.sleep(2)
sys.exit(0 if taken else 1)
`

itNeeds(noWindowsPython())(
  'renews and stores its tokens while a scanner opens each new file',
  async () => {
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using server = await startAuthorizationServer({ redirectUris: [redirectUri] })
    await using windows = await startWindows()
    const { clientId } = server.clients.native
    const scopes = ['evo.discovery', 'offline_access']
    const config = {
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      files: [{ app: 'me', path: `${WORK}\\token`, format: 'raw' }],
      apps: { me: { type: 'native', clientId, redirectUris: [redirectUri], scopes } },
    }
    await mkdir(dirname(windows.local(CONFIG)), { recursive: true })
    await mkdir(windows.local(WORK))
    await writeFile(windows.local(CONFIG), JSON.stringify(config))
    let daemon = await startWindowsDaemon(windows)
    await signIn(windows)
    const scanned = windows.python(['-c', SCANNER, STATE, `${STATE}\\vault`, WORK])
    await until('it scans', () => existsSync(windows.local(String.raw`C:\scans`)))

    for (let round = 1; round <= ROUNDS; round++) {
      expect(await refresh(windows, daemon)).toBe(200)
      const token = String(server.requests.at(-1)?.answer?.body.access_token)
      await until(
        'the new token is in its file',
        () => readFileSync(windows.local(`${WORK}\\token`), 'utf8'),
        (text) => text === token,
      )
      daemon.program.child.kill('SIGKILL')
      await daemon.program.ended()
      expect(JSON.stringify(daemon.log())).not.toMatch(/EPERM|EBUSY|EACCES/)
      daemon = await startWindowsDaemon(windows)
    }
    await writeFile(windows.local(String.raw`C:\stop`), '')

    const { code, stdout, stderr } = await scanned
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    // The record and the token file of each round.
    expect(Number(stdout)).toBeGreaterThanOrEqual(2 * ROUNDS)
    expect(server.liveFamilies(clientId)).toMatchObject([{ generation: ROUNDS }])

    // The worst moment: the server has spent the old refresh token, and there is no room for the new one.
    let kept: Promise<unknown> | undefined
    server.intercept = async (_request, act) => {
      kept = windows.python(['-c', KEEPER, `${STATE}\\vault\\me.jwe.new`])
      await until('it is kept', () => existsSync(windows.local(String.raw`C:\kept`)))
      return act()
    }
    expect(await refresh(windows, daemon)).toBe(200)
    daemon.program.child.kill('SIGKILL')
    await daemon.program.ended()
    expect(await kept).toMatchObject({ code: 0 })
    expect(JSON.stringify(daemon.log())).not.toMatch(/EPERM|EBUSY|EACCES/)
    server.intercept = (_request, act) => act()
    expect(await refresh(windows, await startWindowsDaemon(windows))).toBe(200)
    expect(server.liveFamilies(clientId)).toMatchObject([{ generation: ROUNDS + 2 }])
    expect(readdirSync(windows.local(WORK))).toEqual(['token'])
  },
)
