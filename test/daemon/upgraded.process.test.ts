/** The files of the program are replaced or removed while its daemon runs, as an upgrade does. */
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { createHome, MAIN, runCli, startDaemonProcess } from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { signInByBrowser } from '../support/sign-in.ts'
import { until } from '../support/until.ts'

const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

const ROOT = dirname(dirname(MAIN))

/** A copy of the program, which a test may change. It finds its packages in the checkout, where it is in it. */
function installed(
  parent = join(ROOT, 'build'),
): { readonly directory: string; readonly main: string } & Disposable {
  const directory = mkdtempSync(join(parent, 'installed-'))
  cpSync(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'))
  return {
    directory,
    main: join(directory, 'dist/main.js'),
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly socketPath?: string
}

/** Not `fetch`, which says itself what kind of request it is, and knows no socket. */
async function ask(url: string, { headers = {}, body, ...place }: Asked = {}) {
  const method = body === undefined ? 'GET' : 'POST'
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const options = { method, headers: { ...headers, ...type }, agent: false, ...place }
  const asked = request(url, options).end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, body: await text(answer) }
}

describe('a daemon whose files are', () => {
  it('replaced says so once, and status shows the old and the new version', async () => {
    using program = installed()
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, { main: program.main })
    const manifest = join(program.directory, 'package.json')
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    writeFileSync(manifest, JSON.stringify({ version: '99.1.0' }))
    await daemon.logged(({ msg }) => msg.includes('Restart the daemon'))
    const { stdout, stderr } = await runCli(home, ['status'])
    expect(stdout + stderr).toContain(`runs evo-token ${version}`)
    expect(stdout + stderr).toContain('99.1.0')
  }, 240_000)

  it('removed once it is ready still does everything that it does by itself', async () => {
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using server = await startAuthorizationServer({ redirectUris: [redirectUri] })
    const { native, service } = server.clients
    const scopes = ['evo.discovery', 'offline_access']
    const me = { type: 'native', clientId: native.clientId, redirectUris: [redirectUri], scopes }
    const pipeline = { type: 'service', clientId: service.clientId, scopes: ['evo.discovery'] }
    using program = installed()
    await using home = await createHome({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: { me, pipeline },
      files: [{ path: '~/token.env', app: 'pipeline' }],
    })
    await using daemon = await startDaemonProcess(home, { main: program.main })

    rmSync(program.directory, { recursive: true })

    const succeeds = async (command: string, input?: string) => {
      const done = await runCli(home, command.split(' '), input === undefined ? {} : { input })
      expect(done, command).toMatchObject({ code: 0 })
      return done.stdout
    }
    await succeeds('secret pipeline', service.clientSecret)
    expect(await signInByBrowser(home, 'me')).toMatchObject({ code: 0 })
    for (const app of ['me', 'pipeline']) {
      await succeeds(`refresh ${app}`)
      await succeeds(`get ${app}`)
    }
    await until('the token file is there', () => existsSync(join(home.directory, 'token.env')))
    for (const command of ['status', 'activity', 'share status', 'caller add notebook', 'reload']) {
      await succeeds(command)
    }
    await succeeds('vault rotate-key')
    await succeeds('guard check')

    const owner = { socketPath: daemon.socket }
    const { body } = await ask('http://localhost/openapi.json', owner)
    const { paths } = JSON.parse(body) as { paths: Record<string, object> }
    const plain = Object.keys(paths).filter(
      (path) => 'get' in (paths[path] ?? {}) && !/[{]|events/.test(path),
    )
    expect(plain).toContain('/metrics')
    for (const path of plain) {
      expect(await ask(`http://localhost${path}`, owner), path).toMatchObject({ status: 200 })
    }

    const link = new URL((await succeeds('web --no-browser')).trim())
    const page = await ask(link.href)
    expect(page.body).toContain('/page.js')
    const pageKey = /name="evo-token-page-key" content="([^"]+)"/.exec(page.body)?.[1] ?? ''
    const { origin } = link
    const headers = { origin, 'sec-fetch-site': 'same-origin', 'evo-token-page-key': pageKey }
    for (const path of ['/page.js', '/page.css', '/icon.svg', '/v1/page', '/v1/apps']) {
      expect(await ask(`${origin}${path}`, { headers }), path).toMatchObject({ status: 200 })
    }
    // The one thing that is a process of its own.
    const doctor = await ask(`${origin}/v1/doctor`, { headers, body: '{}' })
    expect(doctor.body).toContain('doctor cannot be run: its files are not where they were.')

    await succeeds('logout me --yes')
    expect(await daemon.stop()).toBe(0)
    expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([])
  }, 240_000)

  it('removed says so once', async () => {
    using program = installed()
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, { main: program.main })
    rmSync(program.directory, { recursive: true })
    await daemon.logged(({ msg }) => msg.includes('are gone'))
  }, 240_000)

  it('removed with its packages says what to do where it needs one of them', async () => {
    using program = installed(tmpdir())
    symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(program.directory, 'node_modules'))
    await using home = await createHome({ ...CONFIG, vault: { key: 'file' } })
    await using daemon = await startDaemonProcess(home, { main: program.main })
    rmSync(program.directory, { recursive: true })
    const moved = await runCli(home, ['vault', 'move-key', '--to', 'keychain'])
    expect(moved.stderr).toMatch(/files of evo-token, or Node, are not where they were/)
    expect(moved.stderr).toContain('Restart the daemon')
    expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([])
  }, 240_000)
})
