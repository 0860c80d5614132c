/** An event stream that is open, and what has come on it. */
import { request } from 'node:http'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'

export interface OpenStream extends AsyncDisposable {
  /** Everything so far. */
  readonly text: string
  /** Resolves when at least so many events have come, and rejects if the stream ends before. */
  untilEvents(count: number): Promise<void>
  /** Resolves when the daemon has ended it. */
  readonly ended: Promise<unknown>
}

export async function openStream(url: string, key: string): Promise<OpenStream> {
  const outgoing = request(`${url}/v1/events`, {
    headers: { authorization: `Bearer ${key}` },
    agent: false,
  })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  incoming.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const ended = once(incoming, 'end')
  // No test has to wait for it.
  ended.catch(() => undefined)
  const enough = (count: number) => (text.match(/^event: /gm) ?? []).length >= count
  return {
    get text() {
      return text
    },
    ended,
    async untilEvents(count) {
      const early = ended.then(() => {
        throw new Error(`the stream has ended: ${text}`)
      })
      early.catch(() => undefined)
      while (!enough(count)) await Promise.race([once(incoming, 'data'), early])
    },
    async [Symbol.asyncDispose]() {
      outgoing.destroy()
    },
  }
}
