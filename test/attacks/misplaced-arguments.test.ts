/**
 * Secrets that people put where they do not belong: as an argument, in a URL, in place of a file, in the
 * config. What refuses them does not repeat them. No secret is live in this process, as in theirs.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../../src/cli/run.ts'
import { captureIo } from '../support/captured-io.ts'
import { createHome, type Home } from '../support/daemon-process.ts'
import { createCanaries, randomSecret } from './canaries.ts'

/** Opaque, longer than any name may be, and of shapes that we know. */
const SECRETS = {
  'client secret': `X${randomSecret()}`,
  'opaque token': `X${randomSecret()}${randomSecret()}`,
  'access key': `evtk_${randomSecret()}`,
  JWT: `eyJhbGciOiJFUzI1NiJ9.${randomSecret()}.${randomSecret()}`,
}

const canaries = createCanaries()
for (const [name, value] of Object.entries(SECRETS)) canaries.add(name, value)

const each = Object.entries(SECRETS)

let home: Home
beforeAll(async () => {
  home = await createHome({ apps: {} })
})
afterAll(() => home.remove())

it.each(each)('repeats no %s that stands where it does not belong', async (_, value) => {
  const lines: readonly (readonly string[])[] = [
    [value],
    ['secret', 'evo-pipeline', value],
    ['secret', value],
    ['get', 'evo-me', value],
    ['get', value],
    ['get', 'evo-me', `--min-ttl=${value}`],
    ['get', 'evo-me', '--url', 'http://127.0.0.1:1', '--key-file', value],
    ['get', 'evo-me', '--url', `http://me:${value}@127.0.0.1:1`],
    ['get', 'evo-me', '--url', `http://127.0.0.1:1/?key=${value}`],
    ['vault', value],
    ['vault', 'move-key', '--to', value],
    ['caller', 'add', value],
    ['caller', 'add', 'notebook', value],
    ['run', 'evo-me', value],
    ['run', 'evo-me', '--env', value, '--', 'true'],
    [`--client-secret=${value}`],
  ]
  for (const argv of lines) {
    const { io, stdout, stderr } = captureIo({ env: home.env })
    const code = await runCli(argv, io)
    const found = canaries.foundIn(stdout.text + stderr.text)
    expect({ argv: argv.join(' '), code, found }).toMatchObject({ found: [] })
    expect(code).not.toBe(0)
  }
})

it.each(each)('repeats no %s of the config', async (_, value) => {
  for (const config of [
    { apps: { 'evo-me': { type: 'service', clientId: 'x', clientSecret: value } } },
    { apps: { 'evo-me': { type: value, clientId: 'x' } } },
    { apps: { 'evo-me': { type: 'native', clientId: 'x', scopes: [1, value] } } },
    { apps: {}, clientSecret: value },
    { apps: {}, issuer: `http://${value}.example` },
    { apps: {}, log: { level: value } },
  ]) {
    await home.write(config)
    const { io, stdout, stderr } = captureIo({ env: home.env })
    const code = await runCli(['config', 'check'], io)
    expect({ code, found: canaries.foundIn(stdout.text + stderr.text) }).toEqual({
      code: 2,
      found: [],
    })
  }
})
