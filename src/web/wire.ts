/** Requests of the page to the daemon. Each shows the key of its tab in a header. */
import { createParser } from 'eventsource-parser'
import type { DaemonEvent } from './answers.ts'

/** As in `http/page-door.ts`. */
const KEY_HEADER = 'evo-token-page-key'
const PAGE_KEY_NAME = 'evo-token-page-key'

/** A daemon that runs sends something at each heartbeat, every 5 s; a busy machine delays it. */
const STREAM_SILENCE_MS = 20_000

/** The problem with which the daemon answered. */
export class Refused extends Error {
  readonly status: number
  readonly hint: string

  constructor(status: number, message: string, hint: string) {
    super(message)
    this.status = status
    this.hint = hint
  }
}

/** The key that the link gave, or the one that this tab has kept since; undefined for neither. */
export function takeKey(): string | undefined {
  const given = document.querySelector<HTMLMetaElement>(`meta[name="${PAGE_KEY_NAME}"]`)
  if (given) {
    sessionStorage.setItem(PAGE_KEY_NAME, given.content)
    given.remove()
    // The link works once: reloading and the history have to lead to `/`.
    history.replaceState(null, '', '/')
  }
  return sessionStorage.getItem(PAGE_KEY_NAME) ?? undefined
}

export function forgetKey(): void {
  sessionStorage.removeItem(PAGE_KEY_NAME)
}

interface SendOptions {
  readonly body?: string | null
  readonly signal?: AbortSignal | null
}

export class Wire {
  readonly #key: string

  constructor(key: string) {
    this.#key = key
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.#send('GET', path)).json()) as T
  }

  async post<T>(path: string): Promise<T> {
    return (await (await this.#send('POST', path, { body: '{}' })).json()) as T
  }

  async delete(path: string): Promise<void> {
    await this.#send('DELETE', path)
  }

  /**
   * Resolves when the stream has begun, with its events from then on. Reading them throws where the daemon is silent
   * for too long.
   */
  async events(path: string, signal: AbortSignal): Promise<AsyncGenerator<DaemonEvent>> {
    return eventsOf(await this.#send('GET', path, { signal }))
  }

  /** Yields each line of JSON in the answer, as it comes. */
  async *lines<T>(path: string): AsyncGenerator<T> {
    let rest = ''
    for await (const text of textsOf(await this.#send('POST', path, { body: '{}' }))) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line) as T
    }
  }

  async #send(
    method: string,
    path: string,
    { body = null, signal = null }: SendOptions = {},
  ): Promise<Response> {
    const headers = {
      [KEY_HEADER]: this.#key,
      ...(body !== null && { 'Content-Type': 'application/json' }),
    }
    // With a cache the browser delays a request until another one to the same address is answered.
    const answer = await fetch(path, { method, headers, body, signal, cache: 'no-store' })
    if (answer.ok) return answer
    const problem = (await answer.json()) as { detail?: string; hint?: string }
    throw new Refused(answer.status, problem.detail ?? 'The daemon refused.', problem.hint ?? '')
  }
}

async function* eventsOf(answer: Response): AsyncGenerator<DaemonEvent> {
  let arrived: DaemonEvent[] = []
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (isKnownEvent(event)) arrived.push(toEvent(event, JSON.parse(data)))
    },
  })
  for await (const text of textsOf(answer, STREAM_SILENCE_MS)) {
    parser.feed(text)
    yield* arrived
    arrived = []
  }
}

/** @throws where nothing comes for `silenceMs`. */
async function* textsOf({ body }: Response, silenceMs?: number): AsyncGenerator<string> {
  if (!body) return
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (;;) {
      const { done, value } = await rejectAfter(silenceMs, reader.read())
      if (done) return
      yield value
    }
  } finally {
    void reader.cancel().catch(() => undefined)
  }
}

/** @throws when `ms` are over first. */
async function rejectAfter<T>(ms: number | undefined, promised: Promise<T>): Promise<T> {
  if (ms === undefined) return promised
  let timer = 0
  const late = new Promise<never>((_resolve, reject) => {
    timer = window.setTimeout(() => {
      reject(new Error('nothing came in time'))
    }, ms)
  })
  return Promise.race([promised, late]).finally(() => {
    clearTimeout(timer)
  })
}

function toEvent(kind: DaemonEvent['kind'], data: unknown): DaemonEvent {
  return { kind, data } as DaemonEvent
}

function isKnownEvent(event: string | undefined): event is DaemonEvent['kind'] {
  return ['status', 'removed', 'activity', 'stopping'].includes(event ?? '')
}
