/**
 * Takes the address that the browser ended on, pasted by the person. The sign-in may also end without
 * it: the browser comes back to the daemon, or time is up.
 */
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import type { Io } from '../io.ts'
import { plain } from '../plain.ts'

export interface PasteContext {
  readonly client: Client
  /** The path of the sign-in. */
  readonly path: string
  readonly io: Io
}

/** The lines of one paste follow one another sooner than this; a person is slower. */
const TOGETHER_MS = 150

/** Sends what is pasted to the daemon until `end` settles. */
export async function pasteUntil<T>(
  end: Promise<T>,
  { client, path, io }: PasteContext,
): Promise<T> {
  const { stdin, stderr } = io
  // Read key by key: a terminal's own line editing cuts lines at 4,096 characters, on a Mac at 1,024.
  const edits = stdin.isTTY && stderr.isTTY ? { output: stderr, terminal: true } : {}
  const lines = createInterface({ input: stdin, ...edits })
  // Then Ctrl-C arrives as a key, not as a signal.
  lines.on('SIGINT', () => process.emit('SIGINT'))
  const pasting = async (): Promise<never> => {
    for await (const pasted of pastesOf(lines)) {
      for (const url of joinAddresses(pasted)) {
        try {
          await client.ask({ method: 'POST', path: `${path}/callback`, body: { url } })
        } catch (error) {
          if (!(error instanceof EvoTokenError) || error.code === 'not_running') throw error
          stderr.write(`${plain(error.message)} ${plain(error.hint)}\nPaste it again:\n`)
        }
      }
    }
    // stdin has ended; the sign-in may still end without it.
    return new Promise<never>(() => undefined)
  }
  try {
    return await Promise.race([end, pasting()])
  } finally {
    lines.close()
  }
}

/** Yields the lines of each paste, until stdin ends. */
async function* pastesOf(lines: Interface): AsyncGenerator<readonly string[]> {
  const coming = lines[Symbol.asyncIterator]()
  let next = coming.next()
  for (let line = await next; !line.done; line = await next) {
    const pasted: string[] = []
    let more: IteratorResult<string> | undefined = line
    while (more && !more.done) {
      pasted.push(more.value)
      next = coming.next()
      more = await Promise.race([next, sleep(TOGETHER_MS, undefined, { ref: false })])
      // The last line of a paste has no line break: it waits for Enter.
      if (!more && lines.line !== '') more = await next
    }
    yield pasted
  }
}

/** Joins an address that a mail or a terminal broke over several lines; each `://` begins another address. */
function joinAddresses(pasted: readonly string[]): readonly string[] {
  const addresses: string[] = []
  for (const line of pasted.map((one) => one.trim())) {
    if (addresses.length === 0 || line.includes('://')) addresses.push(line)
    else addresses.push(`${addresses.pop() ?? ''}${line}`)
  }
  return addresses.filter(Boolean)
}
