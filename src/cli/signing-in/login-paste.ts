/**
 * Signing in with a browser on another machine: the person pastes the address that it ended on,
 * while the sign-in may also end otherwise (a browser here, a timeout).
 */
import { createInterface } from 'node:readline'
import type { Client } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import type { Io } from '../io.ts'
import { plain } from '../plain.ts'

export interface Pasting {
  readonly client: Client
  /** The path of the sign-in. */
  readonly path: string
  readonly io: Io
}

/** Passes on what is pasted until `end` is there. */
export async function pasteUntil<T>(end: Promise<T>, { client, path, io }: Pasting): Promise<T> {
  const { stdin, stderr } = io
  // A terminal that edits lines itself cuts them, at 4,096 characters or on a Mac at 1,024.
  const edits = stdin.isTTY && stderr.isTTY ? { output: stderr, terminal: true } : {}
  const lines = createInterface({ input: stdin, ...edits })
  // Then Ctrl-C is a key like others, and no signal.
  lines.on('SIGINT', () => process.emit('SIGINT'))
  const pasting = async (): Promise<never> => {
    for await (const line of lines) {
      const url = line.trim()
      if (url === '') continue
      try {
        await client.ask({ method: 'POST', path: `${path}/callback`, body: { url } })
      } catch (error) {
        if (!(error instanceof EvoTokenError) || error.code === 'not_running') throw error
        stderr.write(`${plain(error.message)} ${plain(error.hint)}\nPaste it again:\n`)
      }
    }
    // Nothing more is pasted, but the sign-in may end otherwise.
    return new Promise<never>(() => undefined)
  }
  try {
    return await Promise.race([end, pasting()])
  } finally {
    lines.close()
  }
}
