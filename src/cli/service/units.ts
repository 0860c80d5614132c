/** The units of `systemd/` with this machine's paths in them, signed so that a change by hand is seen. */
import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { SidecarError } from '../../errors.ts'

export interface Filling {
  readonly node: string
  readonly main: string
  /** After `serve`. */
  readonly options: readonly string[]
  readonly listen: { readonly host: string; readonly port: number }
  readonly ipv6: boolean
  /** Whose members are owners; the system socket only. */
  readonly group: string | undefined
  /** Lines that hand the service its secrets (systemd.exec(5), "Credentials"). */
  readonly credentials: readonly string[]
  /** Changes when the program does, though its place stays: then the daemon starts again. */
  readonly program: string
}

export function fillService(template: string, filling: Filling): string {
  const { node, main, options, program, credentials } = filling
  const command = [word(node), ...[main, 'serve', ...options].map((one) => word(one, '$$$$'))]
  const filled = template.replace(/^ExecStart=.*$/m, () => `ExecStart=${command.join(' ')}`)
  const lines = credentials.map((one) => `${one}\n`).join('')
  const keyed = filled.replace(/^LoadCredential=vault-key:.*\n/m, () => lines)
  return signed(`# The program: ${program}\n${keyed}`)
}

export function fillSocket(template: string, { listen, ipv6, group }: Filling): string {
  const { host, port } = listen
  const hosts = isIPv6(host) ? [`[${host}]`, '127.0.0.1'] : [host, ...(ipv6 ? ['[::1]'] : [])]
  const lines = port === 0 ? [] : hosts.map((one) => `ListenStream=${one}:${port}\n`)
  const filled = template
    .replace(/^ListenStream=\[::1\].*\n/m, '')
    .replace(/^ListenStream=127.*\n/m, () => lines.join(''))
  return signed(
    group === undefined
      ? filled
      : filled.replace(/^SocketGroup=.*$/m, () => `SocketGroup=${group}`),
  )
}

const MARK = '# Written by `evo-token service install`; SHA-256 of what follows: '

function signed(text: string): string {
  return `${MARK}${sha256(text)}\n${text}`
}

/** Whether `text` is as some `service install` has written it. */
export function isAsWritten(text: string): boolean {
  const [first = '', ...rest] = text.split('\n')
  return first === MARK + sha256(rest.join('\n'))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** One word of ExecStart= (systemd.service(5)); the program's own path knows no variables. */
function word(text: string, dollar = '$$'): string {
  if (/[\r\n]/.test(text)) throw new SidecarError('failed', 'A path with a line break in it.')
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', dollar)
  return `"${escaped}"`
}
