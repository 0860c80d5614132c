/** Another user of this machine, with the tools that everybody has. */
import { spawnSync } from 'node:child_process'
import { missingCommands } from '../support/needs.ts'

/** Of all users, the one that every machine has. */
const LOGIN = 'nobody'

/** Why a test cannot act as another user here; undefined where it can. */
export const noOtherUser =
  process.platform !== 'linux'
    ? 'only Linux tells whose a connection is'
    : process.getuid?.() !== 0
      ? 'only root can act as another user'
      : missingCommands('runuser', 'curl', 'bash')

export interface Visit {
  readonly status: number
  /** Head and body. */
  readonly text: string
}

/** Opens `url` as that user. */
export function visitAsOther(url: string): Visit {
  const text = asOther('curl', '--silent', '--include', '--max-time', '10', url)
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text }
}

/** Sends a request for `url` as that user, closes the connection at once, and hears nothing. */
export function sendAsOther(url: string): void {
  const { host, port } = new URL(url)
  const path = url.slice(new URL(url).origin.length)
  const script = `exec 3<>/dev/tcp/127.0.0.1/$1 && printf 'GET %s HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n' "$2" "$3" >&3`
  asOther('bash', '-c', script, 'bash', port, path, host)
}

function asOther(...command: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('runuser', ['-u', LOGIN, '--', ...command], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`as ${LOGIN}: ${stderr}`)
  return stdout
}
