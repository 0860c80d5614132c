/** The built program on Windows, as far as Wine is one: a person's whole way, in one place after the other. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { until } from '../support/until.ts'
import {
  noWindows,
  noWindowsPython,
  startWindows,
  startWindowsDaemon,
  type Windows,
  type WindowsDaemon,
} from '../support/wine.ts'

const CONFIG = String.raw`C:\users\root\AppData\Roaming\evo-token\config.json`
const TOKEN_FILE = String.raw`~\Projekt für Müller\.env`
const STATE = String.raw`C:\users\root\AppData\Local\evo-token`
const it = itNeeds(noWindows())
const itHasPython = itNeeds(noWindowsPython())

let windows: Windows
let server: RunningAuthorizationServer
let daemon: WindowsDaemon

beforeAll(async () => {
  if (noWindows() !== undefined) return
  const redirectUri = `http://localhost:${await freePort()}/signin-callback`
  server = await startAuthorizationServer({ redirectUris: [redirectUri] })
  windows = await startWindows()
  await mkdir(dirname(windows.local(CONFIG)), { recursive: true })
  const { service, native } = server.clients
  const config = {
    issuer: server.issuer,
    listen: { port: 0 },
    files: [{ app: 'pipeline', path: TOKEN_FILE, format: 'dotenv', variable: 'EVO_ACCESS_TOKEN' }],
    apps: {
      pipeline: { type: 'service', clientId: service.clientId, scopes: ['evo.discovery'] },
      me: {
        type: 'native',
        clientId: native.clientId,
        redirectUris: [redirectUri],
        scopes: ['evo.discovery', 'offline_access'],
      },
    },
  }
  const env = windows.local(TOKEN_FILE.replace('~', String.raw`C:\users\root`))
  await mkdir(dirname(env))
  await writeFile(env, 'NAME=Müller\r\nLAST=1\r\n')
  // As PowerShell 5 writes a file.
  await writeFile(windows.local(CONFIG), `\ufeff${JSON.stringify(config)}`, 'utf16le')
  daemon = await startWindowsDaemon(windows)
})

afterAll(async () => {
  if (noWindows() !== undefined) return
  await windows[Symbol.asyncDispose]()
  await server.close()
})

describe('a daemon on Windows', () => {
  it('listens on a pipe whose name no other program can know before', () => {
    expect(daemon.pipe).toMatch(/^\\\\\.\\pipe\\evo-token-[0-9a-f]{32}$/)
    expect(endpointOf(STATE).socket).toBe(daemon.pipe)
  })

  it('keeps the vault key in the Credential Manager', () => {
    expect(daemon.log()).toContainEqual(
      expect.objectContaining({ msg: 'made a new vault', source: 'keychain' }),
    )
    expect(existsSync(windows.local(`${STATE}\\vault-key`))).toBe(false)
  })

  it('serves a service app', async () => {
    const { clientSecret } = server.clients.service
    const stored = await windows.evoToken(['secret', 'pipeline'], {}, `${clientSecret}\r\n`)
    expect(stored).toMatchObject({ code: 0 })
    const got = await windows.evoToken(['get', 'pipeline'])
    expect(got).toMatchObject({ code: 0, stderr: '' })
    const answer = server.requests.at(-1)?.answer
    const token = String(answer?.body.access_token)
    expect(got.stdout).toBe(`${token}\n`)
    const env = windows.local(TOKEN_FILE.replace('~', String.raw`C:\users\root`))
    await until(
      'the token is in its file, whose lines end as they did',
      () => readFileSync(env, 'utf8'),
      (text) => text === `NAME=Müller\r\nLAST=1\r\nEVO_ACCESS_TOKEN=${token}\r\n`,
    )
  })

  it('signs a person in, in the browser that Windows opens', async () => {
    const opened = await windows.handleHttp()
    const login = await windows.start(['login', 'me'])
    const [link = ''] = (await until('the browser is open', opened, (it) => it !== undefined)) ?? []
    await createPerson('ada').visit(link)
    expect(await login.ended()).toMatchObject({ code: 0 })
    expect(`${login.stdout()}${login.stderr()}`).toContain('ada@example.com')
  })

  it('refreshes with a rotated refresh token', async () => {
    expect(await windows.evoToken(['refresh', 'me'])).toMatchObject({ code: 0 })
    expect(await windows.evoToken(['refresh', 'me'])).toMatchObject({ code: 0 })
    const refreshes = server.requests.filter(({ grantType }) => grantType === 'refresh_token')
    expect(refreshes.map(({ generation }) => generation)).toEqual([0, 1])
  })

  it('runs a program, and ends as it does', async () => {
    const program =
      'process.stdout.write(process.env.EVO_TOKEN_URL); process.exit(process.env.EVO_ACCESS_TOKEN ? 57 : 1)'
    const ran = await windows.evoToken(['run', 'pipeline', '--', windows.nodeExe, '-e', program])
    expect(ran).toMatchObject({ code: 57, stdout: daemon.url })
    const none = await windows.evoToken(['run', 'pipeline', '--', 'no-such-program'])
    expect(none).toMatchObject({ code: 127 })
  })

  it('shows its apps over TCP to a caller with a key', async () => {
    const env = { EVO_TOKEN_URL: daemon.url }
    const shown = await windows.evoToken(['status', '--json'], env)
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.stdout).toContain('"app":"pipeline"')
    // Without a key a page or a program gets nothing.
    expect((await fetch(`${daemon.url}/v1/apps`)).status).toBe(401)
  })

  itHasPython('serves Python over the pipe, which it finds by itself', async () => {
    const got = await windows.python([
      '-c',
      `
import evo_token
token = evo_token.get_token("pipeline")
print(token.app, token.value)
print([status["app"] for status in evo_token.TokenClient().status()])
`,
    ])
    expect(got).toMatchObject({ code: 0, stderr: '' })
    const token = await windows.evoToken(['get', 'pipeline'])
    expect(got.stdout.split(/\r?\n/)).toEqual([
      `pipeline ${token.stdout.trim()}`,
      "['pipeline', 'me']",
      '',
    ])
  })

  itHasPython('serves Python over TCP, with a key in a file that PowerShell wrote', async () => {
    const added = await windows.evoToken(['caller', 'add', 'jupyter'])
    const keyFile = String.raw`C:\users\root\Schlüssel für Jupyter`
    await writeFile(windows.local(keyFile), `\ufeff${added.stdout.trim()}\r\n`, 'utf16le')
    const got = await windows.python(
      ['-c', 'import evo_token; print(evo_token.get_token("pipeline").app)'],
      {
        // No daemon of this Windows: the one in WSL2 is reached so.
        EVO_TOKEN_STATE_DIR: String.raw`C:\none`,
        EVO_TOKEN_URL: daemon.url,
        EVO_TOKEN_KEY_FILE: keyFile,
        EVO_TOKEN_CALLER: 'jupyter',
      },
    )
    expect(got).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^pipeline\r?\n$/) as string,
    })
  })

  it('refuses a second daemon, and says which process is the first', async () => {
    const second = await windows.evoToken(['serve'])
    expect(second).toMatchObject({ code: 1 })
    expect(second.stderr).toMatch(/Another daemon \(pid \d+\) already runs/)
  })

  it('is asked over TCP where another program has the place of its pipe', async () => {
    const pipe = String.raw`\\.\pipe\stranger`
    const stranger = await windows.node(['-e', STRANGER, pipe])
    await until('the stranger listens', () => stranger.stdout().includes('listening'))
    const path = windows.local(`${STATE}\\endpoint.json`)
    const endpoint = readFileSync(path, 'utf8')
    await writeFile(path, JSON.stringify({ ...(JSON.parse(endpoint) as object), socket: pipe }))

    const got = await windows.evoToken(['get', 'pipeline'])

    expect(got).toMatchObject({ code: 0, stderr: '' })
    if (noWindowsPython() === undefined) {
      const print = 'import evo_token; print(evo_token.get_token("pipeline").value)'
      const asked = await windows.python(['-c', print])
      expect(asked).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(got.stdout.trim()) as string,
      })
    }
    expect(stranger.stdout()).toContain('GET /healthz?caller=owner')
    expect(stranger.stdout()).not.toMatch(/authorization/i)
    await writeFile(path, endpoint)
    stranger.child.kill('SIGKILL')
    await stranger.ended()
  })

  it('gives a program its token under a name that the environment has in other letters', async () => {
    const program = 'process.stdout.write(String(process.env.my_token !== "old"))'
    const line = ['run', '--env', 'my_token', 'pipeline', '--', windows.nodeExe, '-e', program]
    const ran = await windows.evoToken(line, { MY_TOKEN: 'old' })
    expect(ran).toMatchObject({ code: 0, stdout: 'true' })
  })

  it('says how PowerShell takes the mark before a program', async () => {
    const ran = await windows.evoToken(['run', 'pipeline', windows.nodeExe])
    expect(ran).toMatchObject({ code: 2 })
    expect(ran.stderr).toContain("in PowerShell write it as '--'")
  })

  itHasPython('stops in order when its console is closed', async () => {
    const env = { EVO_TOKEN_STATE_DIR: String.raw`C:\closed` }
    const closed = await startWindowsDaemon(windows, [], env)
    const { pid } = endpointOf('C:\\closed')
    const asked = await windows.python(['-c', TELL_CONSOLE, String(pid), '2'])
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    await until('it has stopped', () => closed.log().some(({ msg }) => msg === 'stopped'))
    expect(existsSync(windows.local(String.raw`C:\closed\endpoint.json`))).toBe(false)
    await closed.program.ended()
  })

  for (const [what, event] of Object.entries({ 'the user logs off': 5, 'Windows shuts down': 6 })) {
    itHasPython(`hears nothing when ${what}, and goes on from its vault`, async () => {
      const { pid } = endpointOf(STATE)
      const asked = await windows.python(['-c', TELL_CONSOLE, String(pid), String(event)])
      expect(asked).toMatchObject({ code: 0, stderr: '' })
      await daemon.program.ended()
      expect(daemon.log().map(({ msg }) => msg)).not.toContain('stopping')
      expect(await windows.evoToken(['get', 'me'])).toMatchObject({ code: 4 })
      daemon = await startWindowsDaemon(windows)
      expect(await windows.evoToken(['refresh', 'me'])).toMatchObject({ code: 0 })
      expect(server.liveFamilies(server.clients.native.clientId)).toHaveLength(1)
    })
  }

  it('goes on from its vault after a kill', async () => {
    daemon.program.child.kill('SIGKILL')
    await daemon.program.ended()
    daemon = await startWindowsDaemon(windows)
    expect(await windows.evoToken(['get', 'me'])).toMatchObject({ code: 0 })
    expect(await windows.evoToken(['refresh', 'me'])).toMatchObject({ code: 0 })
    expect(server.liveFamilies(server.clients.native.clientId)).toHaveLength(1)
  })

  it('stops in order when the owner asks, and takes its endpoint away', async () => {
    expect(await windows.evoToken(['stop'])).toMatchObject({ code: 0 })
    expect(await daemon.program.ended()).toMatchObject({ code: 0 })
    expect(daemon.log().map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['stopping', 'stopped']),
    )
    expect(existsSync(windows.local(`${STATE}\\endpoint.json`))).toBe(false)
    expect(await windows.evoToken(['get', 'me'])).toMatchObject({ code: 4 })
  })

  itHasPython('is missed by Python in words that say where it looked', async () => {
    const asked = await windows.python(['-c', 'import evo_token; evo_token.get_token("me")'])
    expect(asked.stderr).toContain('DaemonNotRunning')
    expect(asked.stderr).toContain('endpoint.json')
  })

  it('shows no key to a program that has taken the name of its pipe', async () => {
    daemon = await startWindowsDaemon(windows)
    const { pipe } = daemon
    daemon.program.child.kill('SIGKILL')
    await daemon.program.ended()
    const stranger = await windows.node(['-e', STRANGER, pipe])
    await until('the stranger listens', () => stranger.stdout().includes('listening'))
    const key = readFileSync(windows.local(`${STATE}\\owner-key`), 'utf8').trim()

    const got = await windows.evoToken(['get', 'me'])

    expect(got).toMatchObject({ code: 6, stdout: '' })
    expect(got.stderr).toContain('does not prove that it knows the key')
    expect(stranger.stdout()).toContain('GET /healthz?caller=owner')
    expect(stranger.stdout()).not.toContain(key)
    expect(stranger.stdout()).not.toMatch(/authorization/i)
    if (noWindowsPython() === undefined) {
      const asked = await windows.python(['-c', 'import evo_token; evo_token.get_token("me")'])
      expect(asked.stderr).toContain('does not prove that it knows the key')
      expect(stranger.stdout()).not.toContain(key)
    }
    stranger.child.kill('SIGKILL')
    await stranger.ended()
  })

  it('stops in order at Ctrl+C in its console', async () => {
    const program = await windows.atConsole(['serve'])
    await until('it listens', () => program.stdout().includes('"msg":"listening"'))
    program.interrupt()
    expect(await program.ended()).toMatchObject({ code: 0 })
    expect(program.stdout()).toMatch(/"msg":"stopping".*"msg":"stopped"/s)
  })

  it('leaves Ctrl+C to the program that it runs, which gets it once', async () => {
    daemon = await startWindowsDaemon(windows)
    const path = String.raw`C:\waits.cjs`
    await writeFile(windows.local(path), WAITS)
    const program = await windows.atConsole(['run', 'pipeline', '--', windows.nodeExe, path])
    await until('the program runs', () => program.stdout().includes('ready'))
    program.interrupt()
    expect(await program.ended()).toMatchObject({ code: 58 })
    expect(program.stdout()).toBe('ready\ninterrupted\n')
    expect(await windows.evoToken(['stop'])).toMatchObject({ code: 0 })
  })

  it('lives at a path with blanks, umlauts and more than 260 characters', async () => {
    const stateDir = `C:\\Müllers Daten\\${'ein sehr langer Ordnername\\'.repeat(10)}evo token`
    expect(stateDir.length).toBeGreaterThan(260)
    const env = { EVO_TOKEN_STATE_DIR: stateDir }
    daemon = await startWindowsDaemon(windows, [], env)
    const status = await windows.evoToken(['status', '--json'], env)
    expect(status).toMatchObject({ code: 0 })
    expect(existsSync(windows.local(`${stateDir}\\vault\\vault.json`))).toBe(true)
    expect(await windows.evoToken(['stop'], env)).toMatchObject({ code: 0 })
  })
})

function endpointOf(stateDir: string) {
  const text = readFileSync(windows.local(`${stateDir}\\endpoint.json`), 'utf8')
  return JSON.parse(text) as { readonly pid: number; readonly socket: string }
}

/**
 * What Windows does in each process of a console: a thread of its own, in which the handlers run. CTRL_CLOSE_EVENT
 * is 2, CTRL_LOGOFF_EVENT 5 and CTRL_SHUTDOWN_EVENT 6: of those libuv hands on the first.
 */
const TELL_CONSOLE = `
import ctypes, sys
from ctypes import wintypes
kernel = ctypes.WinDLL("kernel32")
base = ctypes.WinDLL("kernelbase")
kernel.OpenProcess.restype = wintypes.HANDLE
kernel.CreateRemoteThread.argtypes = [wintypes.HANDLE, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p]
process = kernel.OpenProcess(0x1F0FFF, False, int(sys.argv[1]))
routine = ctypes.cast(base.CtrlRoutine, ctypes.c_void_p)
sys.exit(0 if process and kernel.CreateRemoteThread(process, None, 0, routine, int(sys.argv[2]), 0, None) else 1)
`

/** Ends half a second after it was interrupted, so that a second time would show. */
const WAITS = `
process.on('SIGINT', () => {
  console.log('interrupted')
  setTimeout(() => process.exit(58), 500)
})
setTimeout(() => process.exit(1), 60_000)
console.log('ready')
`

/** Answers everything, and prints what it is told. */
const STRANGER = `
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => undefined)
  socket.on('data', (data) => {
    process.stdout.write(data)
    const body = '{"status":"ok","proof":"' + '0'.repeat(64) + '"}'
    socket.write('HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: ' + body.length + '\\r\\n\\r\\n' + body)
  })
})
server.listen(process.argv[1], () => console.log('listening'))
`
