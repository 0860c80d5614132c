/** Fills the units of `systemd/` with this machine's paths, with a hash that reveals changes by hand. */
import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { readInstalled } from '../installed-file.ts'
import { requireGroup } from './group.ts'
import {
  configIn,
  type InstalledFile,
  type Program,
  type ServiceDefinition,
} from '../service-manager.ts'
import { credentialLines } from './systemd-credentials.ts'
import { requireVisible, writableLines } from './systemd-sandbox.ts'
import { readCommand, toUnitWord } from './systemd-unit-word.ts'

export const SERVICE_UNIT = 'evo-token.service'
export const SOCKET_UNIT = 'evo-token.socket'

export interface UnitFilling {
  readonly program: Program
  /** After `serve`. */
  readonly options: readonly string[]
  readonly listen: { readonly host: string; readonly port: number }
  readonly ipv6: boolean
  /** The group whose members are owners; the system socket only. */
  readonly group: string | undefined
  /** Lines that pass the service its secrets (systemd.exec(5), "Credentials"). */
  readonly credentials: readonly string[]
  readonly stateDir: string
  /** Directories besides the state directory in which a user's service writes. */
  readonly writable: readonly string[]
}

export function fillService(template: string, filling: UnitFilling): string {
  const { program, options, credentials, stateDir, writable } = filling
  const { node, main, digest } = program
  const command = [
    toUnitWord(node),
    ...[main, 'serve', ...options].map((one) => toUnitWord(one, '$$')),
  ]
  const filled = template.replace(/^ExecStart=.*$/m, () => `ExecStart=${command.join(' ')}`)
  const lines = credentials.map((one) => `${one}\n`).join('')
  const keyed = filled
    .replace(/^LoadCredential=vault-key:.*\n/m, () => lines)
    .replace(/^ExecStartPre=.*\nReadWritePaths=.*$/m, () => writableLines(stateDir, writable))
  return addHash(`# The program: ${digest}\n${keyed}`)
}

/** The config that a service's unit names. */
export function configInUnit(text: string): string | undefined {
  return configIn(readCommand(/^ExecStart=(.*)$/m.exec(text)?.[1] ?? ''))
}

export function fillSocket(template: string, { listen, ipv6, group }: UnitFilling): string {
  const { host, port } = listen
  const hosts = isIPv6(host) ? [`[${host}]`, '127.0.0.1'] : [host, ...(ipv6 ? ['[::1]'] : [])]
  const lines = port === 0 ? [] : hosts.map((one) => `ListenStream=${one}:${port}\n`)
  const filled = template
    .replace(/^ListenStream=\[::1\].*\n/m, '')
    .replace(/^ListenStream=127.*\n/m, () => lines.join(''))
  return addHash(
    group === undefined
      ? filled
      : filled.replace(/^SocketGroup=.*$/m, () => `SocketGroup=${group}`),
  )
}

const UNIT_MARK = '# Written by `evo-token service install`; SHA-256 of what follows: '

function addHash(text: string): string {
  return `${UNIT_MARK}${hexSha256(text)}\n${text}`
}

/** Whether `text` is unchanged since `service install` wrote it. */
function isAsWritten(text: string): boolean {
  const [first = '', ...rest] = text.split('\n')
  return first === UNIT_MARK + hexSha256(rest.join('\n'))
}

function hexSha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function readInstalledUnit(directory: string, name: string): InstalledFile {
  return readInstalled(join(directory, name), isAsWritten)
}

/** The Debian package's units of the machine's service; units in /etc/systemd/system take precedence over them. */
const PACKAGED_UNITS = '/usr/lib/systemd/system'

/** The unit that systemd uses: the one in `directory`, or else, for the machine's service, that of the Debian package. */
export function unitInForce(directory: string, name: string, system: boolean): InstalledFile {
  const own = readInstalledUnit(directory, name)
  if (!system || own.text !== undefined) return own
  return { ...own, text: readInstalledUnit(PACKAGED_UNITS, name).text }
}

/** Whether the Debian package is installed. */
export function isPackaged(): boolean {
  return readInstalledUnit(PACKAGED_UNITS, SERVICE_UNIT).text !== undefined
}

interface FillingContext {
  readonly system: boolean
  readonly env: NodeJS.ProcessEnv
  readonly directory: string
  readonly keyIsCredential: boolean
}

export async function fillingOf(
  { program, options, listen, apps, group: named, files, stateDir, writable }: ServiceDefinition,
  { system, env, directory, keyIsCredential }: FillingContext,
): Promise<UnitFilling> {
  // Keeps the group of the last installation, unless another one is named.
  const before = unitInForce(directory, SOCKET_UNIT, system).text ?? ''
  const group = named ?? /^SocketGroup=(.*)$/m.exec(before)?.[1]
  if (group !== undefined) await requireGroup(group, env)
  for (const path of [program.node, program.main, ...files]) requireVisible(path, { system })
  if (!system) for (const path of [stateDir, ...writable]) requireVisible(path, { system })
  return {
    program,
    options,
    listen,
    ipv6: Object.values(networkInterfaces()).some((all) =>
      all?.some(({ address }) => address === '::1'),
    ),
    group,
    credentials: system ? credentialLines(apps, keyIsCredential) : [],
    stateDir,
    writable,
  }
}
