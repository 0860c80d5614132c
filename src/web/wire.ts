/** What the page asks the daemon: each request shows the key of its tab, in a header. */
import { createParser } from 'eventsource-parser'
import type { Cause } from '../core/activity.ts'

/** As in `http/page-door.ts`. */
const KEY_HEADER = 'evo-token-page-key'
const STORED = 'evo-token-page-key'

/** A daemon that runs sends something at each heartbeat, every 5 s; a busy machine delays it. */
const SILENCE_MS = 20_000

export interface AppStatus {
  readonly app: string
  readonly type: string
  readonly session: string
  readonly freshness: 'fresh' | 'stale' | 'expired' | 'none'
  readonly expires_at: string | null
  readonly refresh_at: string | null
  readonly refreshed_at: string | null
  readonly retry_at: string | null
  readonly failures: number
  readonly problem: {
    readonly error: string
    readonly message: string
    readonly hint: string
    readonly blocking: boolean
  } | null
  readonly subject: string | null
  readonly session_expires_at: string | null
  readonly session_expires_soon: boolean
  /** The keeper that renews it, where it is shared with other hosts. */
  readonly home?: string
}

export interface Item {
  readonly at: string
  readonly app: string | null
  readonly kind: string
  readonly caller: string | null
  readonly cause: Cause | null
  readonly duration_ms: number | null
  readonly error: string | null
  readonly fingerprint: string | null
}

export interface HourCount {
  readonly hour: string
  readonly caller: string | null
  readonly tokens: number
}

export interface CallerEntry {
  readonly name: string
  readonly apps: readonly string[]
  readonly last_used_at: string | null
  readonly expires_at?: string | null
}

export interface About {
  readonly version: string
  readonly url: string
  readonly socket: string | null
  readonly state_directory: string
  readonly config: string | null
  readonly role: string
  readonly pid: number
  readonly started_at: string
  /** As `evo-token share status` has it. */
  readonly share:
    | { readonly shared: false }
    | { readonly shared: true; readonly name: string; readonly role: string }
  readonly problems: readonly { readonly message: string; readonly hint: string }[]
}

export interface Verdict {
  readonly id: string
  readonly app: string | null
  readonly ok: boolean
  readonly detail: string
  readonly hint: string | null
}

export interface StartedSignIn {
  readonly id: string
  readonly open_url: string | null
  /** Whether the browser can come back to the daemon. */
  readonly listening: boolean
  /** The port to which it comes back, where another program has that. */
  readonly busy_port: number | null
}

export interface SignIn {
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly message: string | null
}

export type DaemonEvent =
  | { readonly kind: 'status'; readonly data: AppStatus }
  | { readonly kind: 'removed'; readonly data: { readonly app: string } }
  | { readonly kind: 'activity'; readonly data: Item }
  | { readonly kind: 'stopping' }

/** What the daemon answered instead, in its own words. */
export class Refused extends Error {
  readonly status: number
  readonly hint: string

  constructor(status: number, message: string, hint: string) {
    super(message)
    this.status = status
    this.hint = hint
  }
}

/** Takes the key that the link gave, or the one that this tab has had since; undefined for neither. */
export function takeKey(): string | undefined {
  const given = document.querySelector<HTMLMetaElement>(`meta[name="${STORED}"]`)
  if (given) {
    sessionStorage.setItem(STORED, given.content)
    given.remove()
    // The link works once: F5 and the history are to lead to the page itself.
    history.replaceState(null, '', '/')
  }
  return sessionStorage.getItem(STORED) ?? undefined
}

export function forgetKey(): void {
  sessionStorage.removeItem(STORED)
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
    return (await (await this.#send('POST', path, '{}')).json()) as T
  }

  async delete(path: string): Promise<void> {
    await this.#send('DELETE', path)
  }

  /** Each event, until the daemon ends the stream. @throws where it is silent for too long: it hangs. */
  async *events(path: string): AsyncGenerator<DaemonEvent> {
    let arrived: DaemonEvent[] = []
    const parser = createParser({
      onEvent: ({ event, data }) => {
        if (isKnown(event)) arrived.push(toEvent(event, JSON.parse(data)))
      },
    })
    for await (const text of this.#texts('GET', path, { silenceMs: SILENCE_MS })) {
      parser.feed(text)
      yield* arrived
      arrived = []
    }
  }

  /** Each line of JSON of the answer, as it comes. */
  async *lines<T>(path: string): AsyncGenerator<T> {
    let rest = ''
    for await (const text of this.#texts('POST', path, { body: '{}' })) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line) as T
    }
  }

  async *#texts(
    method: string,
    path: string,
    { body, silenceMs }: { readonly body?: string; readonly silenceMs?: number },
  ): AsyncGenerator<string> {
    const { body: stream } = await this.#send(method, path, body)
    if (!stream) return
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader()
    try {
      for (;;) {
        const { done, value } = await within(silenceMs, reader.read())
        if (done) return
        yield value
      }
    } finally {
      void reader.cancel().catch(() => undefined)
    }
  }

  async #send(method: string, path: string, body?: string): Promise<Response> {
    const headers = {
      [KEY_HEADER]: this.#key,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    }
    const answer = await fetch(path, { method, headers, ...(body !== undefined && { body }) })
    if (answer.ok) return answer
    const problem = (await answer.json()) as { detail?: string; hint?: string }
    throw new Refused(answer.status, problem.detail ?? 'The daemon refused.', problem.hint ?? '')
  }
}

/** @throws when `ms` are over first. */
async function within<T>(ms: number | undefined, promised: Promise<T>): Promise<T> {
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

function isKnown(event: string | undefined): event is DaemonEvent['kind'] {
  return ['status', 'removed', 'activity', 'stopping'].includes(event ?? '')
}
