/** What the program makes of paths on Windows: those of the config, of its copies, and who may reach them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { noWindows, startWindows, startWindowsDaemon, type Windows } from '../support/wine.ts'
import { noLauncher, plant } from './git-of-windows.ts'

const it = itNeeds(noWindows())
const itHasLauncher = itNeeds(noWindows() ?? noLauncher)
const CONFIG = String.raw`C:\users\root\AppData\Roaming\evo-token\config.json`
const APPS = { pipeline: { type: 'service', clientId: 'svc-1', scopes: ['evo.discovery'] } }
const BASE = { issuer: 'http://127.0.0.1:1', listen: { port: 0 }, vault: { key: 'file' } }

let windows: Windows

beforeAll(async () => {
  if (noWindows() !== undefined) return
  windows = await startWindows()
  write(CONFIG, JSON.stringify({ ...BASE, apps: APPS }))
})

afterAll(async () => {
  if (noWindows() === undefined) await windows[Symbol.asyncDispose]()
})

function write(path: string, content: string | Buffer): void {
  const local = windows.local(path)
  mkdirSync(dirname(local), { recursive: true })
  writeFileSync(local, content)
}

describe('a token file on Windows', () => {
  const path = String.raw`C:\files.json`

  async function check(...paths: readonly string[]) {
    const files = paths.map((one) => ({ app: 'pipeline', path: one }))
    write(path, JSON.stringify({ ...BASE, apps: APPS, files }))
    const { code, stdout, stderr } = await windows.evoToken(['config', 'check'], {
      EVO_TOKEN_CONFIG: path,
    })
    return { code, said: stdout + stderr }
  }

  it('is at no path that Windows or its programs take for another one', async () => {
    const odd = ['/work/.env', String.raw`C:\work\nul.env`, 'C:/work/.env.', 'C:/work/a:b', '~/con']
    const { code, said } = await check(...odd)
    expect(code).toBe(2)
    for (const at of odd.keys()) {
      expect(said).toContain(`files[${at}].path: must be a path with its drive`)
    }
  })

  it('is one file in whatever letters its path is written', async () => {
    const { code, said } = await check(
      String.raw`C:\Work\.env`,
      'c:/work/.ENV',
      String.raw`\\?\C:\work\x`,
      String.raw`C:\other\.env`,
    )
    expect(code).toBe(2)
    expect(said.match(/files\[\d\](?=: writes over)/g)).toEqual(['files[1]'])
  })

  it('of evo-mcp is added once', async () => {
    mkdirSync(windows.local(String.raw`C:\evo-mcp\src\evo_mcp`), { recursive: true })
    const init = (checkout: string) => [
      ...['init', '--yes', '--force', '--config', String.raw`C:\mcp.json`, '--name', 'me'],
      ...['--type', 'native', '--client-id', 'native-1', '--evo-mcp', checkout],
    ]
    expect(await windows.evoToken(init('C:\\evo-mcp'))).toMatchObject({ code: 0 })
    expect(await windows.evoToken(init('c:/EVO-MCP'))).toMatchObject({ code: 0 })
    const { files } = JSON.parse(readFileSync(windows.local('C:\\mcp.json'), 'utf8')) as {
      files: unknown[]
    }
    expect(files).toHaveLength(1)
  })
})

describe('the copies of evo-token in PATH', () => {
  itHasLauncher('are told apart: what npm installs is one, in two scripts', async () => {
    const npm = String.raw`C:\Program Files\npm`
    const home = `${npm}\\node_modules\\evo-token-sidecar`
    write(`${home}\\package.json`, '{"name":"evo-token-sidecar","version":"0.0.7"}')
    write(`${home}\\dist\\main.js`, '')
    // The lines of npm's cmd-shim that name the program.
    write(`${npm}\\evo-token.ps1`, '& "$basedir/node_modules/evo-token-sidecar/dist/main.js" $args')
    write(
      `${npm}\\evo-token.cmd`,
      String.raw`"%_prog%"  "%dp0%\node_modules\evo-token-sidecar\dist\main.js" %*`,
    )
    plant(windows, String.raw`C:\venv\Scripts`, 'evo-token', 'console.log("0.3.1")')

    await startWindowsDaemon(windows)

    const path = { WINEPATH: `${npm};C:\\venv\\Scripts;C:\\PROGRA~1\\npm` }
    const { stdout } = await windows.evoToken(['doctor'], path)
    expect(await windows.evoToken(['stop'])).toMatchObject({ code: 0 })

    expect(stdout).toContain(
      `Your PATH has 2 copies of evo-token: 0.0.7 in ${home}, which is the one that runs;`,
    )
    expect(stdout.toLowerCase()).toContain(String.raw`and 0.3.1 in c:\venv\scripts\evo-token.exe.`)
  })
})

/** What Windows prints in each language, in its own code page, and the first line that it writes before a list. */
const LANGUAGES = {
  German: {
    user: Buffer.from('"nt-autorit\x84t\\ada",', 'latin1'),
    done: Buffer.from('1 Dateien erfolgreich verarbeitet, bei 0 Dateien: Fehler\x81\r\n', 'latin1'),
    name: 'Schlüssel',
  },
  French: {
    user: Buffer.from('"bureau\\andr\x82",', 'latin1'),
    done: Buffer.from('1 fichiers correctement trait\x82s\r\n', 'latin1'),
    name: 'données',
  },
  Japanese: {
    // Shift-JIS, with a backslash as the second byte of a letter.
    user: Buffer.from('"pc\\\x95\x5c\x93\x63",', 'latin1'),
    done: Buffer.from('1 \x83\x74\x83\x40\x83\x43\x83\x8b\r\n', 'latin1'),
    name: '表示',
  },
}

describe('the access list of the state directory', () => {
  const OWN = 'S-1-5-21-3623811015-3361044348-30300820-1013'
  const OWN_LIST = `D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;${OWN})`
  const SYSTEM = String.raw`C:\windows\system32`
  // Wine has programs of its own of these names.
  const env = { WINEDLLOVERRIDES: 'mscoree,mshtml=;icacls.exe,whoami.exe=n' }

  /** In the place of Windows' own programs: they hand out what is in these files. */
  function speak(language: keyof typeof LANGUAGES, sddl: string): void {
    const { user, done, name } = LANGUAGES[language]
    write(`${SYSTEM}\\whoami.txt`, Buffer.concat([user, Buffer.from(`"${OWN}"\r\n`)]))
    write(`${SYSTEM}\\done.txt`, done)
    write(`${SYSTEM}\\list.txt`, Buffer.from(`${name}\r\n${sddl}\r\n`, 'utf16le'))
    const files = `const { copyFileSync, readFileSync, writeSync } = require('node:fs')\n`
    const say = (file: string) =>
      `writeSync(1, readFileSync(${JSON.stringify(`${SYSTEM}\\${file}`)}))\n`
    const save = `const [path, save, to] = process.argv.slice(2)
if (save !== '/save') process.exit(1)
copyFileSync(${JSON.stringify(`${SYSTEM}\\list.txt`)}, to)\n`
    plant(windows, SYSTEM, 'whoami', files + say('whoami.txt'))
    plant(windows, SYSTEM, 'icacls', files + save + say('done.txt'))
  }

  it('is said to be unknown where Windows does not tell', async () => {
    const daemon = await startWindowsDaemon(windows)
    expect(JSON.stringify(daemon.log())).toContain('the system does not tell whether other users')
    expect(await windows.evoToken(['stop'])).toMatchObject({ code: 0 })
  })

  for (const language of ['German', 'French', 'Japanese'] as const) {
    itHasLauncher(`lets no daemon start where others may read it: ${language}`, async () => {
      speak(language, `${OWN_LIST}(A;OICIID;0x1200a9;;;BU)`)
      const said = await startWindowsDaemon(windows, [], env).then(
        () => 'it listens',
        (error: unknown) => String(error),
      )
      expect(said).toContain('is open to others: Users may read what is in it, or change it')
      expect(said).toContain(`/grant:r "*${OWN}:(OI)(CI)F"`)
    })
  }

  itHasLauncher('lets no daemon start where it has another form', async () => {
    speak('German', 'Zugriff verweigert')
    const started = startWindowsDaemon(windows, [], env)
    await expect(started).rejects.toThrow(
      'has an access list of an unknown form: Zugriff verweigert',
    )
  })

  itHasLauncher('lets a daemon start that is this user’s alone', async () => {
    speak('Japanese', OWN_LIST)
    const daemon = await startWindowsDaemon(windows, [], env)
    expect(JSON.stringify(daemon.log())).not.toContain('other users')
    expect(await windows.evoToken(['stop'])).toMatchObject({ code: 0 })
  })
})
