/**
 * A booted machine with the program on it, an authorization server beside it, and one person who
 * works there; and the two systemd managers that start services on it, root's and the person's.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { type BootedSystem, bootSystemd, installProgram } from '../support/booted-systemd.ts'

export const PERSON = 'evo-token-person'
export const HOME = `/home/${PERSON}`

const PROBE = '/usr/local/lib/evo-token-probe.py'

/** Where all users may write. */
const OPEN = '/srv/open'

/** Which of the units in `systemd/`. */
export function unitFile(manager: 'system' | 'user'): { path: string; text: string } {
  const path = join(import.meta.dirname, '../../systemd', manager, 'evo-token.service')
  return { path, text: readFileSync(path, 'utf8') }
}

export interface Manager {
  /** All at once: a manager takes its time to read them. */
  install(units: Readonly<Record<string, string>>): Promise<void>
  /** Rejects with what the service said, where it does not come up. */
  start(name: string): Promise<void>
  /** Runs systemctl with these arguments. */
  ctl(args: string): Promise<string>
  property(name: string, property: string): Promise<string>
  /** What came of each attempt of `probe.py`, in an installed unit that `toProbe` made. */
  probe(name: string): Promise<Record<string, string>>
}

export interface ManagedMachine extends BootedSystem {
  readonly server: RunningAuthorizationServer
  readonly system: Manager
  /** Of PERSON, once `startUserManager` has run. */
  readonly user: Manager
  startUserManager(): Promise<void>
  /** Runs a command as PERSON. */
  readonly asPerson: (command: string, input?: string) => Promise<string>
}

export async function startManagedMachine({ accessTokenTtlS = 5 } = {}): Promise<ManagedMachine> {
  const server = await startAuthorizationServer({ accessTokenTtlS })
  const machine = await bootSystemd()
  await installProgram(machine)
  await machine.write(PROBE, readFileSync(join(import.meta.dirname, 'probe.py'), 'utf8'))
  await machine.sh(
    `useradd -m ${PERSON}
    install -d -m 777 /usr/local/open /etc/open /srv/open /home/open
    touch /tmp/of-another /dev/of-the-machine`,
  )
  const asPerson = (command: string, input?: string) =>
    machine.sh(
      `exec runuser -u ${PERSON} -- env HOME=${HOME} XDG_RUNTIME_DIR=/run/user/$(id -u ${PERSON}) ${command}`,
      input,
    )
  return {
    ...machine,
    server,
    asPerson,
    system: createManager(machine, '/etc/systemd/system', (args) =>
      machine.sh(`systemctl ${args}`),
    ),
    user: createManager(machine, '/etc/systemd/user', (args) =>
      asPerson(`systemctl --user ${args}`),
    ),
    async startUserManager() {
      await machine.sh(
        `loginctl enable-linger ${PERSON}
        systemctl start "user@$(id -u ${PERSON})"`,
      )
    },
    async [Symbol.asyncDispose]() {
      await machine[Symbol.asyncDispose]()
      await server.close()
    },
  }
}

function createManager(machine: BootedSystem, directory: string, ctl: Manager['ctl']): Manager {
  const manager: Manager = {
    ctl,
    async install(units) {
      for (const [name, unit] of Object.entries(units)) {
        await machine.write(`${directory}/${name}.service`, unit)
      }
      await ctl('daemon-reload')
    },
    async start(name) {
      try {
        await ctl(`start ${name}`)
      } catch (cause) {
        const said = await machine.sh('journalctl -o cat -n 40')
        throw new Error(`${name} did not start:\n${said}`, { cause })
      }
    },
    async property(name, property) {
      return (await ctl(`show -P ${property} ${name}`)).trim()
    },
    async probe(name) {
      await manager.start(name)
      const written = await machine.sh(`cat ${OPEN}/${name}.service.json`)
      return JSON.parse(written) as Record<string, string>
    },
  }
  return manager
}

/** The unit as it would be without its socket unit: a service beside others, of this name. */
export function withoutSocket(unit: string, name = 'evo-token'): string {
  return unit
    .replace(/^(Requires|After)=evo-token\.socket\n/gm, '')
    .replace(/^(User|StateDirectory)=evo-token$/gm, `$1=${name}`)
    .replace(/^StateDirectoryMode=.*$/m, `$&\nRuntimeDirectory=${name}\nRuntimeDirectoryMode=0700`)
}

/** The same sandbox, with `probe.py` in it, which ends. Its output is opened before the sandbox is there. */
export function toProbe(unit: string): string {
  const instead = `ExecStart=/usr/bin/python3 ${PROBE}\nStandardOutput=file:${OPEN}/%n.json`
  return unit
    .replace(/^Type=.*$/m, 'Type=oneshot')
    .replace(/^Restart=.*$/m, '')
    .replace(/^ExecStart=.*$/m, instead)
}

export interface ConfigOptions {
  readonly issuer: string
  readonly port: number
  readonly apps: readonly string[]
  readonly key: 'credential' | 'file'
}

/** A config of service apps. */
export function configOf({ issuer, port, apps, key }: ConfigOptions, clientId: string): string {
  const app = { type: 'service', clientId, scopes: ['evo.discovery', 'evo.workspace'] }
  return JSON.stringify({
    issuer,
    listen: { port },
    vault: { key },
    apps: Object.fromEntries(apps.map((name) => [name, app])),
  })
}
