import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createNotifier, type NotifierWorld } from '../../src/adapters/process/notifier.ts'
import type { Log } from '../../src/core/ports.ts'
import { freedesktop, macDesktop } from '../../src/platform/posix/desktops.ts'

/** A directory for programs and what they write, and the world of a notifier. */
function createWorld(more: Partial<NotifierWorld> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'evo-notify-'))
  const bin = join(directory, 'bin')
  mkdirSync(bin)
  const logged: { level: string; fields: object; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) => {
    logged.push({ level, fields, message })
  }
  const log = { debug: at('debug'), warn: at('warn') } as unknown as Log
  const world: NotifierWorld = {
    env: { PATH: `${bin}:/usr/bin:/bin`, HOME: directory },
    log,
    noticeCommand: freedesktop.noticeCommand,
    ...more,
  }
  const out = join(directory, 'out')
  return {
    world,
    logged,
    /** Makes a program that writes down how it was called. */
    program(
      name: string,
      script = `printf '[%s]' "$0" "$@" >>'${out}'; env | grep -a -E '^(EVO_|NOTIFY|LISTEN|CRED)' | sort >>'${out}'`,
    ) {
      const path = join(bin, name)
      writeFileSync(path, `#!/bin/sh\n${script}\n`)
      chmodSync(path, 0o755)
      return path
    },
    said: () => (existsSync(out) ? readFileSync(out, 'utf8') : ''),
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

describe('the notify command', () => {
  it('is run without a shell, with what happened in its environment', async () => {
    using made = createWorld()
    const path = made.program('tell')
    const notifier = createNotifier({ command: [path, '$HOME', 'a; id', ''] }, made.world)
    await notifier.notify('evo-me', 'login_required', 'Sign in: `evo-token login evo-me`')
    expect(made.said()).toBe(
      [
        `[${path}][$HOME][a; id][]EVO_TOKEN_APP=evo-me`,
        'EVO_TOKEN_EVENT=login_required',
        'EVO_TOKEN_HINT=Sign in: `evo-token login evo-me`',
        '',
      ].join('\n'),
    )
    expect(made.logged).toEqual([])
  })

  it("gets nothing of the service manager's", async () => {
    using made = createWorld()
    const path = made.program('tell')
    const env = {
      ...made.world.env,
      NOTIFY_SOCKET: '/run/notify',
      LISTEN_FDS: '2',
      CREDENTIALS_DIRECTORY: '/run/credentials',
    }
    await createNotifier({ command: [path] }, { ...made.world, env }).notify(
      'evo-me',
      'recovered',
      'well',
    )
    expect(made.said()).not.toMatch(/NOTIFY|LISTEN|CRED/)
  })

  it.each([
    ['exit 3', 'exit code 3'],
    ['kill -9 $$', 'ended by SIGKILL'],
  ])('that fails with `%s` is told in the log', async (script, failure) => {
    using made = createWorld()
    const path = made.program('tell', script)
    const notifier = createNotifier({ command: [path] }, made.world)
    await notifier.notify('evo-me', 'misconfigured', '')
    expect(made.logged).toMatchObject([{ level: 'warn', fields: { app: 'evo-me', failure } }])
    expect(notifier.problem()).toMatchObject({
      error: 'notify_failed',
      message: `The notify command ${path} failed: ${failure}.`,
    })
    made.program('tell', 'true')
    await notifier.notify('evo-me', 'recovered', '')
    expect(notifier.problem()).toBeUndefined()
  })

  it.each([
    ['no-such-program', 'ENOENT'],
    ['/etc/passwd/notify', 'ENOTDIR'],
    ['tell\0', 'ERR_INVALID_ARG_VALUE'],
  ])('that cannot be started is told in the log, and as a problem: %j', async (name, failure) => {
    using made = createWorld()
    const notifier = createNotifier({ command: [name] }, made.world)
    await notifier.notify('evo-me', 'misconfigured', '')
    expect(made.logged).toMatchObject([{ level: 'warn', fields: { failure } }])
    expect(notifier.problem()).toMatchObject({ error: 'notify_failed' })
  })

  it('that is not there leaves no timer behind, which a daemon that stops would wait for', async () => {
    using made = createWorld({ limitMs: 100_000 })
    const timers = () =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const notifier = createNotifier({ command: ['no-such-program'] }, made.world)
    await notifier.notify('evo-me', 'misconfigured', '')
    expect(timers()).toBeLessThanOrEqual(before)
  })

  it('that never ends is ended', async () => {
    using made = createWorld({ limitMs: 50 })
    const path = made.program('tell', 'trap "" TERM INT; exec sleep 1000')
    const notifier = createNotifier({ command: [path] }, made.world)
    await notifier.notify('evo-me', 'misconfigured', '')
    expect(made.logged).toMatchObject([{ fields: { failure: 'ended by SIGKILL' } }])
  })
})

describe('without a command', () => {
  it.each(['DISPLAY', 'WAYLAND_DISPLAY', 'DBUS_SESSION_BUS_ADDRESS'])(
    'a desktop (%s) shows a notification, whose text is nothing but text',
    async (name) => {
      using made = createWorld()
      const path = made.program('notify-send')
      const world = { ...made.world, env: { ...made.world.env, [name]: ':0' } }
      await createNotifier(undefined, world).notify('evo-me', 'login_required', '<b>--x & y')
      expect(made.said()).toContain(`[${path}][--][evo-token][&lt;b&gt;--x &amp; y]`)
    },
  )

  it('no notice is shown where there is no desktop', async () => {
    using made = createWorld()
    made.program('notify-send')
    await createNotifier(undefined, made.world).notify('evo-me', 'login_required', 'x')
    expect(made.said()).toBe('')
    expect(made.logged).toEqual([])
  })

  it('a desktop that shows no notifications is no trouble', async () => {
    using made = createWorld()
    const env = { PATH: join(String(made.world.env.HOME), 'bin'), DISPLAY: ':0' }
    const world = { ...made.world, env }
    await createNotifier(undefined, world).notify('evo-me', 'login_required', 'x')
    expect(made.logged).toMatchObject([{ level: 'debug' }])
  })

  it('macOS shows one, whose text is an argument and no script', async () => {
    using made = createWorld({ noticeCommand: macDesktop.noticeCommand })
    const path = made.program('osascript')
    await createNotifier(undefined, made.world).notify('evo-me', 'login_required', '" & (do it)')
    expect(made.said()).toContain(`[${path}][-e][on run argv\n`)
    expect(made.said()).toContain('end run][" & (do it)]')
  })
})
