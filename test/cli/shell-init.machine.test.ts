import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect } from 'vitest'
import { ERROR_CODES } from '../../src/core/error-codes.ts'
import { createHome, MAIN, runCli, startDaemonProcess } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { listen, type Reply, run, startStandIn, type StandIn, writeEndpoint } from './stand-in.ts'

const TOKEN = 'opaque.token~of-evo_me+/=='

/** As the daemon answers who asks for plain text. */
function plainToken(accessToken = TOKEN): Reply {
  return {
    stream: (response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(accessToken)
    },
  }
}

const served = { 'GET /v1/apps/evo-me/token': () => plainToken() }

/** Runs `script` in `shell`, with the functions. */
async function inShell(
  shell: string,
  daemon: StandIn,
  script: string,
  { args = [], input = '' }: { args?: readonly string[]; input?: string } = {},
) {
  const functions = await run(daemon, ['shell-init', ...args])
  expect(functions).toMatchObject({ code: 0, stderr: '' })
  const file = join(daemon.directory, 'functions.sh')
  writeFileSync(file, functions.stdout)
  const child = spawn(shell, ['-c', `. '${file}'\n${script}`], {
    env: { ...daemon.env, http_proxy: 'http://127.0.0.1:1', ALL_PROXY: 'http://127.0.0.1:1' },
  })
  // Not every script reads it.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: await stdout, stderr: await stderr }
}

/** An API that answers with what it was sent. */
async function startApi() {
  const server = createServer((request, response) => {
    text(request)
      .then((body) => response.end(`${request.headers.authorization ?? ''} ${body}`))
      .catch((error: unknown) => response.destroy(error as Error))
  })
  const port = await listen(server, 0)
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A real daemon, and `evo-token` on the PATH. */
async function startWithProgram() {
  const home = await createHome({
    issuer: 'http://127.0.0.1:1',
    listen: { port: 0 },
    apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
  })
  const daemon = await startDaemonProcess(home)
  const bin = join(home.directory, 'bin')
  mkdirSync(bin)
  const program = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`
  writeFileSync(join(bin, 'evo-token'), program, { mode: 0o755 })
  const { stdout: functions } = await runCli(home, ['shell-init'])
  const env = { ...home.env, PATH: `${bin}:${process.env.PATH ?? ''}` }
  return {
    home,
    daemon,
    async evoToken() {
      const child = spawn('sh', ['-c', `${functions}\nevo_token one`], { env })
      const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
      const [code] = (await once(child, 'close')) as [number | null]
      return { code, stdout: await stdout, stderr: await stderr }
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop('SIGKILL')
      await home.remove()
    },
  }
}

describe('with evo-token on the PATH', () => {
  const it = itNeeds(missingCommands('curl'))

  it('evo_token leaves it to that where its socket is gone, or is of another program', async () => {
    await using one = await startWithProgram()
    const { home, daemon } = one
    const answer = {
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('evo-token login one') as string,
    }
    expect(await one.evoToken()).toEqual(answer)
    const other = createServer((_request, response) => {
      response.writeHead(404).end('<html>another</html>')
    })
    const socket = join(home.directory, 'other.sock')
    await listen(other, socket)
    for (const place of [socket, join(home.directory, 'none.sock')]) {
      const endpoint = { url: daemon.url, socket: place, pid: daemon.pid }
      writeFileSync(join(home.stateDir, 'endpoint.json'), JSON.stringify(endpoint))
      if (place !== socket) rmSync(daemon.socket)
      expect(await one.evoToken()).toEqual(answer)
    }
    other.close()
  })

  it('evo_token does not wait for a daemon that gives no sign of life', async () => {
    await using one = await startWithProgram()
    process.kill(one.daemon.pid, 'SIGSTOP')
    const { code, stderr } = await one.evoToken()
    expect(code).toBe(4)
    expect(stderr).toContain('gives no sign of life')
    expect(stderr).toContain(`\`kill ${one.daemon.pid}\``)
    expect(stderr).not.toContain('curl')
  })
})

describe.each(['sh', 'dash', 'bash', 'zsh'])('in %s', (shell) => {
  const it = itNeeds(missingCommands(shell, 'curl'))

  it('evo_token prints the token', async () => {
    await using daemon = await startStandIn(served)
    expect(await inShell(shell, daemon, 'evo_token evo-me')).toEqual({
      code: 0,
      stdout: `${TOKEN}\n`,
      stderr: '',
    })
    expect(daemon.asked[0]?.headers).toMatchObject({ host: 'localhost', accept: 'text/plain' })
  })

  it('evo_curl sends it, leaves stdin to curl, and takes several arguments', async () => {
    await using daemon = await startStandIn(served)
    await using api = await startApi()
    const { code, stdout, stderr } = await inShell(
      shell,
      daemon,
      `evo_curl evo-me --silent --noproxy '*' --data-binary @- '${api.url}'`,
      { input: 'the body' },
    )
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `Bearer ${TOKEN} the body`,
      stderr: '',
    })
  })

  it('no token is an argument of any process, nor in its environment', async () => {
    await using daemon = await startStandIn(served)
    const seen = join(daemon.directory, 'seen')
    // Stands in for curl as the last one that is started, and writes down what others can see of it.
    const watcher = `curl() { case "$*" in *example*) { printf '%s\\n' "$@"; env; } >'${seen}' ;; *) command curl "$@" ;; esac; }`
    await inShell(shell, daemon, `${watcher}\nevo_curl evo-me https://example.invalid/`)
    const visible = readFileSync(seen, 'utf8')
    expect(visible).toContain('https://example.invalid/')
    expect(visible).not.toContain('opaque')
  })

  it('they end as the daemon says, and say what it says', async () => {
    for (const [error, code] of [
      ['login_required', 3],
      ['unavailable', 5],
      ['vault_locked', 5],
      ['record_newer', 5],
      ['unknown_app', 6],
      ['misconfigured', 7],
      ['internal', 1],
    ] as const) {
      const problem = { error, detail: 'What is wrong.', hint: 'What to do.' }
      await using daemon = await startStandIn({ 'GET /v1/apps/evo-me/token': () => ({ problem }) })
      const answer = { code, stdout: '', stderr: 'evo_token: What is wrong.\nWhat to do.\n' }
      expect(await inShell(shell, daemon, 'evo_token evo-me')).toEqual(answer)
      expect(await inShell(shell, daemon, 'evo_curl evo-me http://127.0.0.1:1/')).toEqual(answer)
    }
  })

  it('a sentence is told whole, whatever is in it, and moves no cursor', async () => {
    const detail = 'No token for "evo-me": C:\\new\u001b[2J, "a/b\\".'
    const problem = {
      error: 'misconfigured',
      detail,
      hint: 'Correct "clientId" in the config, then `evo-token reload`.',
    }
    await using daemon = await startStandIn({ 'GET /v1/apps/evo-me/token': () => ({ problem }) })
    expect(await inShell(shell, daemon, 'evo_token evo-me')).toEqual({
      code: 7,
      stdout: '',
      stderr: `evo_token: ${detail.replace('\u001b', ' ')}\n${problem.hint}\n`,
    })
  })

  it('evo_token ends with 4 without a daemon', async () => {
    await using daemon = await startStandIn(served)
    rmSync(daemon.socket)
    const { code, stderr } = await inShell(shell, daemon, 'evo_token evo-me')
    expect(code).toBe(4)
    expect(stderr).toBe(
      `evo_token: The daemon cannot be reached: there is no "${daemon.socket}".\n${ERROR_CODES.not_running.hint}\n`,
    )
  })

  it('evo_token ends with 2 for what is no name', async () => {
    await using daemon = await startStandIn(served)
    for (const args of ['', '""', '../x', 'A', '"a b"', 'a b']) {
      expect(await inShell(shell, daemon, `evo_token ${args}`)).toMatchObject({ code: 2 })
    }
    expect(daemon.asked).toHaveLength(0)
  })

  it('evo_curl sends no token that would be more than a header', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me/token': () => plainToken('x"\nurl = "http://127.0.0.1:1/'),
    })
    const { code, stderr } = await inShell(shell, daemon, 'evo_curl evo-me http://127.0.0.1:1/')
    expect(code).toBe(1)
    expect(stderr).toContain('characters that no header can take')
  })

  it('they change nothing in the shell that uses them', async () => {
    await using daemon = await startStandIn(served)
    const script = 'set >before; evo_token evo-me >/dev/null; set >after; diff before after'
    const { stdout } = await inShell(shell, daemon, `cd '${daemon.directory}'; ${script}`)
    expect(stdout).not.toMatch(/evo_(socket|answer|body|app|header)=/)
    expect(stdout).not.toContain('opaque')
  })

  it('the daemon is found where it says that it is, also after it moved', async () => {
    await using daemon = await startStandIn(served)
    await using usual = await startStandIn({})
    writeEndpoint(usual, { socket: daemon.socket, url: 'http://127.0.0.1:1', pid: 1 })
    expect(await inShell(shell, usual, 'evo_token evo-me')).toMatchObject({ code: 0 })
    const named = ['--socket', usual.socket]
    expect(await inShell(shell, usual, 'evo_token evo-me', { args: named })).toMatchObject({
      code: 1,
    })
  })
})
