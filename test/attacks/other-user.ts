/** Another user of this machine, with the tools that every user has. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
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
export async function visitAsOther(url: string): Promise<Visit> {
  const text = await asOther('curl', '--silent', '--include', url)
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text }
}

/** Sends a request for `url` as that user, closes the connection at once, and hears nothing. */
export async function sendAsOther(url: string): Promise<void> {
  const { host, port } = new URL(url)
  const path = url.slice(new URL(url).origin.length)
  const script = `exec 3<>/dev/tcp/127.0.0.1/$1 && printf 'GET %s HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n' "$2" "$3" >&3`
  await asOther('bash', '-c', script, 'bash', port, path, host)
}

/** @throws where the command fails. */
async function asOther(...command: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('runuser', ['-u', LOGIN, '--', ...command])
  return stdout
}
