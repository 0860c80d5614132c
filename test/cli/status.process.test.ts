import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { captureIo } from '../support/captured-io.ts'
import { until } from '../support/until.ts'
import { run, startStandIn, status } from './stand-in.ts'

const hourFromNow = () => new Date(Date.now() + 3_630_000).toISOString()
const broken = (app: string) =>
  status({
    app,
    session: 'misconfigured',
    last_error: { error: 'invalid_client', message: 'Who?', at: '2026-01-01T00:00:00Z' },
    problem: { error: 'misconfigured', message: 'Who?', hint: 'Correct it.', blocking: true },
  })

describe('status', () => {
  it('shows a line per app and ends with 0, however they are', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps': () => ({
        json: { apps: [status({ expires_at: hourFromNow() }), broken('evo-web')] },
      }),
    })
    const { code, stdout, stderr } = await run(daemon, ['status'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^APP .*\nevo-me .* active .* 1 h .*\nevo-web .*misconfigured\n$/)
  })

  it('says once why the vault is locked, which has them all', async () => {
    const words = { message: 'The keychain is locked.', hint: 'Unlock it.' }
    const problem = { error: 'vault_locked', ...words, blocking: true }
    const locked = (app: string) => status({ app, problem })
    await using daemon = await startStandIn({
      'GET /v1/apps': () => ({ json: { apps: [locked('evo-me'), locked('evo-web')] } }),
    })
    const { stdout, stderr } = await run(daemon, ['status'])
    expect(stdout).toMatch(/\nevo-me .* vault_locked\nevo-web .* vault_locked\n$/)
    expect(stderr).toBe('\nvault_locked: The keychain is locked. Unlock it.\n')
  })

  it('shows one app with what to do', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me': () => ({ json: broken('evo-me') }),
    })
    const { code, stdout } = await run(daemon, ['status', 'evo-me'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^what to do: +Correct it\.$/m)
  })

  it('prints JSON as the daemon tells it', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps': () => ({ json: { apps: [status()] } }),
      'GET /v1/apps/evo-me': () => ({ json: status() }),
    })
    expect(JSON.parse((await run(daemon, ['status', '--json'])).stdout)).toEqual({
      apps: [status()],
    })
    expect(JSON.parse((await run(daemon, ['status', 'evo-me', '--json'])).stdout)).toEqual(status())
  })

  it.each([
    ['a terminal', true, {}, true],
    ['a terminal without colours', true, { NO_COLOR: '1' }, false],
    ['a file', false, {}, false],
  ])('takes colours on %s: %s', async (_, isTTY, more, coloured) => {
    await using daemon = await startStandIn({
      'GET /v1/apps': () => ({ json: { apps: [status()] } }),
    })
    const { io } = captureIo({ env: { ...daemon.env, ...more }, isTTY })
    // What the capture shows has no colours any more.
    let raw = ''
    Object.assign(io.stdout, { write: (text: string) => (raw += text) })
    await runCli(['status'], io)
    expect(raw.includes('\x1b[32m')).toBe(coloured)
  })

  it('does not take something else for statuses', async () => {
    await using daemon = await startStandIn({ 'GET /v1/apps': () => ({ json: { ok: true } }) })
    expect(await run(daemon, ['status'])).toMatchObject({ code: 4, stdout: '' })
  })
})

describe('status --watch', () => {
  /** A daemon whose streams the test writes to. */
  async function startDaemon() {
    const streams: ServerResponse[] = []
    const stream = (response: ServerResponse) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      streams.push(response)
      send(response, status())
      send(response, broken('evo-web'))
    }
    const daemon = await startStandIn({
      'GET /v1/apps': () => ({ json: { apps: [] } }),
      'GET /v1/apps/evo-me': () => ({ json: status() }),
      'GET /v1/events': () => ({ stream }),
    })
    return Object.assign(daemon, { streams })
  }

  function send(response: ServerResponse, data: object): void {
    response.write(`: keep-alive\n\nevent: status\ndata: ${JSON.stringify(data)}\n\n`)
  }

  function watching(daemon: { readonly env: NodeJS.ProcessEnv }, args: string[], isTTY = false) {
    const captured = captureIo({ env: daemon.env, isTTY })
    const ended = runCli(['status', '--watch', ...args], captured.io)
    return {
      captured,
      shows: (text: string) =>
        until(
          `it shows ${text}`,
          () => captured.stdout.text,
          (shown) => shown.includes(text),
        ),
      /** The reader has gone. */
      leave: async () => {
        captured.io.stdout.destroy()
        return ended
      },
    }
  }

  it('prints a line per change, until its reader is gone', async () => {
    await using daemon = await startDaemon()
    const { captured, shows, leave } = watching(daemon, [])
    await shows('evo-web')
    const [stream] = daemon.streams
    if (stream) send(stream, status({ session: 'retrying' }))
    await shows('retrying')
    expect(await leave()).toBe(0)
    const lines = captured.stdout.text.trim().split('\n')
    expect(
      lines.map((line) => /Z (\S+) .*(active|misconfigured|retrying)/.exec(line)?.slice(1, 3)),
    ).toEqual([
      ['evo-me', 'active'],
      ['evo-web', 'misconfigured'],
      ['evo-me', 'retrying'],
    ])
  })

  it('shows one app where one is named', async () => {
    await using daemon = await startDaemon()
    const { captured, shows, leave } = watching(daemon, ['evo-me', '--json'])
    await shows('evo-me')
    const [stream] = daemon.streams
    if (stream) send(stream, status({ session: 'retrying' }))
    await shows('retrying')
    await leave()
    expect(
      captured.stdout.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toEqual([status(), status({ session: 'retrying' })])
  })

  it('draws a table on a terminal', async () => {
    await using daemon = await startDaemon()
    const { shows, leave } = watching(daemon, [], true)
    await shows('APP      TYPE')
    await shows('evo-web  native')
    expect(await leave()).toBe(0)
  })

  it('takes an app out of the table that the config has no more', async () => {
    await using daemon = await startDaemon()
    const { captured, shows, leave } = watching(daemon, [], true)
    await shows('evo-web  native')
    const from = captured.stdout.text.length
    daemon.streams[0]?.write('event: removed\ndata: {"app":"evo-web"}\n\n')
    const drawn = () => captured.stdout.text.slice(from)
    await until('the table is drawn anew', drawn, (text) => text.includes('evo-me'))
    await until(
      'the removed app is not shown',
      drawn,
      (text) => !/evo-web[^]*$/.test(text.split('APP').at(-1) ?? ''),
    )
    expect(await leave()).toBe(0)
  })

  it('looks for a daemon that went away, and goes on', async () => {
    await using daemon = await startDaemon()
    const { captured, shows, leave } = watching(daemon, [])
    await shows('evo-web')
    daemon.streams[0]?.destroy()
    await until(
      'it says that the daemon does not answer',
      () => captured.stderr.text,
      (said) => said.includes('does not answer'),
    )
    await until('it asks the daemon again', () => daemon.streams.length === 2)
    const stream = daemon.streams[1]
    if (stream) send(stream, status({ session: 'retrying' }))
    await shows('retrying')
    expect(await leave()).toBe(0)
  })

  it('goes on also where the daemon that is back is about to stop', async () => {
    const streams: ServerResponse[] = []
    let asked = 0
    await using daemon = await startStandIn({
      'GET /v1/apps': () => ({ json: { apps: [] } }),
      'GET /v1/events': () => {
        asked += 1
        if (asked === 2) return { problem: { error: 'stopping', detail: 'Stopping.' } }
        return {
          stream: (response) => {
            response.writeHead(200, { 'Content-Type': 'text/event-stream' })
            streams.push(response)
            send(response, status({ app: `evo-${asked}` }))
          },
        }
      },
    })
    const { shows, leave } = watching(daemon, [])
    await shows('evo-1')
    streams[0]?.destroy()
    await shows('evo-3')
    expect(await leave()).toBe(0)
  })

  it('does not watch an app that there is not', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-x': () => ({ problem: { error: 'unknown_app', detail: 'No "evo-x".' } }),
    })
    expect(await run(daemon, ['status', 'evo-x', '--watch'])).toMatchObject({ code: 6 })
  })

  it('says what the daemon says where it gives no events', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps': () => ({ json: { apps: [] } }),
      'GET /v1/events': () => ({ problem: { error: 'stopping', detail: 'Stopping.' } }),
    })
    expect(await run(daemon, ['status', '--watch'])).toMatchObject({
      code: 5,
      stderr: 'evo-token: Stopping.\n',
    })
  })
})
