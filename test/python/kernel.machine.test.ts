/** The magics in a real Jupyter kernel, which has no terminal and asks its person through the notebook. */
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect } from 'vitest'
import { noAdapters, startEvoWorld } from '../support/evo-world.ts'
import { itNeeds } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'

describe('a Jupyter kernel', () => {
  itNeeds(noAdapters())('shows the apps, signs a person in and has the token', async () => {
    await using world = await startEvoWorld(600)
    const { stdin, stdout } = world.python(
      join(import.meta.dirname, 'kernel.py'),
      '%load_ext evo_token',
      '%evo_status pipeline',
      '%evo_login me --no-browser',
      "from evo_token import get_token; print('app', get_token('me').app)",
      '%evo_status nothing',
    )
    if (!stdin || !stdout) throw new Error('it has no pipes')
    const lines = createInterface(stdout)[Symbol.asyncIterator]()
    /** What is shown until each of these has come; what a kernel prints and what it asks take different ways. */
    const upTo = async (...awaited: readonly RegExp[]) => {
      let shown = ''
      while (!awaited.every((one) => one.test(shown))) {
        const line = await lines.next()
        if (line.done) throw new Error(`the kernel has ended: ${shown}`)
        shown += `${line.value}\n`
      }
      return shown
    }

    await upTo(/^done$/m)
    const table = await upTo(/^done$/m)
    expect(table).toContain('text/html <table')
    expect(table).toMatch(/^pipeline +service +active +fresh/m)

    const asked = await upTo(/^asks /m, /http:\S+/)
    const link = /http:\S+/.exec(asked)?.[0] ?? ''
    const stopAt = new URL(link).searchParams.get('redirect_uri') ?? ''
    const { url } = await createPerson('ada').visit(link, { stopAt })
    stdin.write(`${url}\n`)
    expect(await upTo(/^done$/m)).toContain('Signed in to me as ada@example.com.')
    expect(await upTo(/^done$/m)).toContain('app me')
    expect(await upTo(/^done$/m)).not.toContain('Traceback')
  })
})
