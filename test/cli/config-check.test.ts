import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { captureIo } from '../support/captured-io.ts'

const GOOD = {
  type: 'native',
  clientId: 'native-1',
  scopes: ['evo.discovery', 'evo.workspace', 'offline_access'],
}

let home: string
let path: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'evo-token-check-'))
  path = join(home, '.config/evo-token/config.json')
  mkdirSync(join(home, '.config/evo-token'), { recursive: true })
})

afterEach(() => {
  rmSync(home, { recursive: true })
})

async function check(config: unknown, file?: string) {
  const text = typeof config === 'string' ? config : JSON.stringify(config)
  writeFileSync(file ?? path, text, { mode: 0o600 })
  return run(file)
}

async function run(file?: string) {
  const { io, stdout, stderr } = captureIo({ env: { HOME: home } })
  const code = await runCli(['config', 'check', ...(file === undefined ? [] : [file])], io)
  return { code, out: stdout.text, err: stderr.text.trimEnd().split('\n') }
}

describe('config check', () => {
  it('counts the apps of a good config, and says where it is', async () => {
    expect(await check({ apps: { a: GOOD } })).toEqual({
      code: 0,
      out: `OK: 1 app in ${path}\n`,
      err: [''],
    })
    expect(await check({ apps: { a: GOOD, b: GOOD } })).toMatchObject({
      out: `OK: 2 apps in ${path}\n`,
    })
  })

  it('reads the file that it is given', async () => {
    const file = join(home, 'other.json')
    expect(await check({ apps: { a: GOOD } }, file)).toMatchObject({ code: 0 })
  })

  it('tells warnings on stderr, and that the config is good all the same', async () => {
    const { code, out, err } = await check({
      apps: { a: { ...GOOD, scopes: GOOD.scopes.slice(1) } },
    })
    expect([code, out]).toEqual([0, `OK: 1 app in ${path}\n`])
    expect(err).toEqual([
      expect.stringMatching(/^warning: .*config\.json: apps\.a\.scopes: "evo\.discovery" is miss/),
    ])
  })

  it.each(['native-1 native-2', '"native-1"', '<native-1>'])(
    'warns of a client id that no registration has: %s',
    async (clientId) => {
      const { code, out, err } = await check({ apps: { a: { ...GOOD, clientId } } })
      expect([code, out]).toEqual([0, `OK: 1 app in ${path}\n`])
      expect(err).toEqual([
        expect.stringMatching(
          /config\.json: apps\.a\.clientId: .* no blanks and no quotation marks/,
        ),
      ])
      expect(err.join()).not.toContain(clientId)
    },
  )

  it('tells what would keep a token file from being written', async () => {
    mkdirSync(join(home, 'taken'))
    mkdirSync(join(home, 'also-taken'))
    const files = [
      { app: 'a', path: '~/fine.env' },
      { app: 'a', path: '~/taken' },
      { app: 'a', path: '~/missing/.env' },
      { app: 'a', path: '~/also-taken', format: 'raw' },
    ]
    const { code, out, err } = await check({ apps: { a: GOOD }, files })
    expect([code, out]).toEqual([0, `OK: 1 app in ${path}\n`])
    const taken = (name: string) => `${home}/${name} is a directory, not a file. Move it away`
    const missing = `The directory of ${home}/missing/.env does not exist.`
    expect(err).toEqual([
      expect.stringContaining(`config.json: files[1].path: ${taken('taken')}`),
      expect.stringContaining(`config.json: files[2].path: ${missing} Create it`),
      expect.stringContaining(`config.json: files[3].path: ${taken('also-taken')}`),
    ])
  })

  it.each([
    ['text that is not JSON', '{"a": }', 'line 1, column 7: not JSON: expected a value'],
    ['an unknown key', { lisen: {} }, 'lisen: unknown setting: did you mean "listen"?'],
    [
      'a secret',
      { apps: { a: { ...GOOD, clientSecret: 'x' } } },
      'apps.a.clientSecret: a client secret does not belong in this file, where others may have read it: take it out, then store it with "evo-token secret a"',
    ],
    [
      'another address than loopback',
      { listen: { host: '::' } },
      'listen.host: must be a loopback address: 127.0.0.0/8, ::1 or localhost, not this string',
    ],
    [
      'a bad cron expression',
      { apps: { a: { type: 'service', clientId: 'x', scopes: [], reissue: '* * 99 * *' } } },
      'apps.a.reissue: must be a cron expression of 5 or 6 fields, such as "*/30 * * * *", not this string',
    ],
    [
      'a bad duration',
      { refresh: { ahead: 'soon' } },
      'refresh.ahead: must be a duration with its unit, such as "90s" or "10m", from 1s to 1d, not this string',
    ],
  ])('exits with 2 and names %s', async (_what, config, line) => {
    const { code, out, err } = await check(config)
    expect([code, out]).toEqual([2, ''])
    expect(err[0]).toBe(`evo-token: ${path}: ${line}`)
    expect(err).toHaveLength(2)
  })

  it('exits with 2 where the config is not to be trusted or not there', async () => {
    writeFileSync(path, '{}')
    chmodSync(path, 0o666)
    const first = await run()
    expect(first.code).toBe(2)
    expect(first.err[1]).toContain('chmod go-w')

    rmSync(path)
    const second = await run()
    expect(second.code).toBe(2)
    expect(second.err[1]).toContain('evo-token init')
  })
})

describe('config check of a config with several faults', () => {
  const placesOf = async (config: object) =>
    (await check(config)).err
      .filter((line) => line.includes('config.json: '))
      .map((line) => line.split('config.json: ')[1]?.split(': ')[0])

  it('names those inside an app whose name is wrong', async () => {
    const app = { type: 'native', clientId: '  ', scopes: 'evo.file', colour: 1 }
    expect(await placesOf({ apps: { 'Evo Me': app } })).toEqual([
      'apps["Evo Me"]',
      'apps["Evo Me"].clientId',
      'apps["Evo Me"].scopes',
      'apps["Evo Me"].colour',
    ])
  })

  it('names a wrong type beside a wrong name', async () => {
    const app = { type: 'nativ', clientId: 'native-1', scopes: 'evo.file' }
    expect(await placesOf({ apps: { 'Evo Me': app } })).toEqual([
      'apps["Evo Me"]',
      'apps["Evo Me"].type',
      'apps["Evo Me"].scopes',
    ])
  })

  it('names what is wrong in a setting that some types have, where the type is wrong', async () => {
    const app = { ...GOOD, type: 'nativ', redirectUris: ['nope'] }
    expect(await placesOf({ apps: { a: app } })).toEqual(['apps.a.type', 'apps.a.redirectUris[0]'])
  })

  it('names those that an app would have whatever its type, and no other', async () => {
    const app = { type: 'nativ', clientId: 5, scopes: ['a b'], reissue: '* * * * *', colour: 1 }
    expect(await placesOf({ apps: { a: app } })).toEqual([
      'apps.a.type',
      'apps.a.clientId',
      'apps.a.scopes[0]',
      'apps.a.colour',
    ])
  })

  it('names those inside a token file of an unknown format', async () => {
    const files = [{ app: 5, path: 'token', format: 'xml' }]
    expect(await placesOf({ apps: { a: GOOD }, files })).toEqual([
      'files[0].format',
      'files[0].app',
      'files[0].path',
    ])
  })

  it('names settings that contradict each other beside one that is wrong alone', async () => {
    const refresh = { retryMin: '10m', retryMax: '1m' }
    expect(await placesOf({ listen: { port: -1 }, refresh, apps: { a: GOOD, B: GOOD } })).toEqual([
      'listen.port',
      'apps.B',
      'refresh.retryMin',
    ])
  })
})
