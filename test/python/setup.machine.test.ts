/** `%evo_setup` where a config is there already: what was mistyped is corrected, and another app is added. */
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { MAIN } from '../support/daemon-process.ts'
import { type EvoWorld, noAdapters, startEvoWorld } from '../support/evo-world.ts'
import { itNeeds } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { until } from '../support/until.ts'

describe('%evo_setup', () => {
  itNeeds(noAdapters())('asks again for what the sign-in page refused', async () => {
    await using world = await startDesktop()
    const [uri] = appsOf(world).me?.redirectUris ?? []

    const first = startSetup(world, 'me')
    await first.answer(/as registered\? \[yes\]: $/, 'no')
    await first.answer(/service \[native\]: $/, 'nativ')
    await first.answer(/There is no type 'nativ'\.\n.*\[native\]: $/, '')
    await first.answer(/Client id \[native-evo-me\]: $/, 'native-mistyped')
    await first.answer(/Redirect URI, as registered \[http.*\]: $/, '')
    await first.shows(
      /client id native-mistyped, redirect URI http\S+, scopes .* differs, interrupt/,
    )
    first.child.kill('SIGINT')
    await first.shows(/refused The sign-in to me is left unfinished; nothing has changed\. /)
    expect(appsOf(world).me).toMatchObject({ clientId: 'native-mistyped', redirectUris: [uri] })

    const second = startSetup(world, 'me')
    await second.answer(/client id native-mistyped, .*\n.*\[yes\]: $/, 'no')
    await second.answer(/\[native\]: $/, '')
    await second.answer(/Client id \[native-mistyped\]: $/, 'native-evo-me')
    await second.answer(/Redirect URI.*: $/, '')
    const [link = ''] = await second.shows(/http:\S+\/\.well-known\/evo-token\/\S+/)
    await createPerson('ada').visit(link)
    await second.shows(/Signed in to me as ada@example\.com\.\nReady/)
    const { issuer } = world.server
    const scopes = ['evo.discovery', 'evo.workspace']
    expect(appsOf(world).me).toMatchObject({ clientId: 'native-evo-me', issuer, scopes })
  })

  itNeeds(noAdapters())('adds an app to the config that is there', async () => {
    await using world = await startDesktop()
    const before = appsOf(world)
    const setup = startSetup(world, 'other')
    await setup.answer(/\[native\]: $/, '')
    await setup.answer(/Client id: $/, '')
    await setup.answer(/Client id: Client id: $/, 'native-evo-me')
    await setup.shows(/compare with the registration of other: client id native-evo-me/)
    setup.child.kill('SIGINT')
    await once(setup.child, 'exit')
    expect(appsOf(world)).toMatchObject({ ...before, other: { clientId: 'native-evo-me' } })
  })

  itNeeds(noAdapters())('says how to go on where it is interrupted at a question', async () => {
    await using world = await startDesktop()
    const setup = startSetup(world, 'me')
    await setup.shows(/\[yes\]: $/)
    setup.child.kill('SIGINT')
    await setup.shows(/refused %evo_setup was interrupted\. Run it again/)
  })
})

/** A person with a browser of their own, and `evo-token` in PATH. */
async function startDesktop(): Promise<EvoWorld> {
  const world = await startEvoWorld(600)
  const bin = join(world.home.directory, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'evo-token'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  chmodSync(join(bin, 'evo-token'), 0o755)
  Object.assign(world.env, { DISPLAY: ':0', PATH: `${bin}:${process.env.PATH ?? ''}` })
  return world
}

interface AppInConfig {
  readonly clientId: string
  readonly redirectUris?: readonly string[]
}

function appsOf({ home }: EvoWorld) {
  const { apps } = JSON.parse(readFileSync(home.config, 'utf8')) as {
    apps: Record<string, AppInConfig>
  }
  return apps
}

function startSetup(world: EvoWorld, app: string) {
  const child = world.python(
    '-c',
    `
import webbrowser
webbrowser.open = lambda link: False
from IPython.core.interactiveshell import InteractiveShell
from evo_token import EvoTokenError
shell = InteractiveShell.instance()
shell.run_line_magic('load_ext', 'evo_token')
try:
    shell.run_line_magic('evo_setup', '${app} --issuer ${world.server.issuer}')
except EvoTokenError as error:
    print('refused', error)
`,
  )
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('it has no pipes')
  let shown = ''
  let failed = ''
  stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()))
  const shows = async (expected: RegExp): Promise<RegExpExecArray> => {
    await until(
      `%evo_setup shows ${String(expected)}`,
      () => shown + failed,
      (all) => expected.test(all),
    )
    return expected.exec(shown) ?? expect.unreachable()
  }
  return {
    child,
    shows,
    answer: async (question: RegExp, typed: string) => {
      await shows(question)
      stdin.write(`${typed}\n`)
    },
  }
}
