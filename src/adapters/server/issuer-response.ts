/**
 * One request through undici, and all that arrives in answer to it. Not by its `fetch`, which drops what
 * was not read yet when the connection breaks, and a body that is not encoded as its header says.
 */
import type { Dispatcher } from 'undici'

/** A longer body is not read to its end. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024

export interface SentRequest {
  readonly method: 'GET' | 'POST'
  readonly headers: Record<string, string>
  readonly body?: string
  readonly signal: AbortSignal
}

export interface IssuerResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  /** All that arrived of it, as it was sent. */
  readonly body: Uint8Array
  /** Whether nothing of the body is missing: it may be longer than we read, or have broken off. */
  readonly isWhole: boolean
  /** Why it broke off. */
  readonly fault?: Error
}

/** Without it a server may compress, and a proxy that takes that back may leave the header. */
const HEADERS = { 'accept-encoding': 'identity', 'user-agent': 'evo-token-sidecar' }

/** Rejects as `fetch` does, where the status never arrived: with the reason of an abort, or with a `TypeError` about its cause. */
export function requestAll(
  dispatcher: Dispatcher,
  url: string,
  { method, headers, body, signal }: SentRequest,
): Promise<IssuerResponse> {
  const { origin, pathname, search } = new URL(url)
  const request = { origin, path: `${pathname}${search}`, method, body: body ?? null }
  return new Promise((resolve, reject) => {
    let head: Pick<IssuerResponse, 'status' | 'headers'> | undefined
    const chunks: Uint8Array[] = []
    let length = 0
    let controller: Dispatcher.DispatchController | undefined
    function conclude(isWhole: boolean, fault?: Error): void {
      signal.removeEventListener('abort', breakOff)
      if (head) {
        resolve({ ...head, body: Buffer.concat(chunks), isWhole, ...(fault && { fault }) })
      } else if (fault) {
        reject(fault)
      }
    }
    function breakOff(): void {
      const reason = signal.reason as Error
      conclude(false, reason)
      controller?.abort(reason)
    }
    if (signal.aborted) {
      breakOff()
      return
    }
    signal.addEventListener('abort', breakOff)
    dispatcher.dispatch(
      { ...request, headers: { ...HEADERS, ...headers } },
      {
        onRequestStart(started) {
          controller = started
          if (signal.aborted) started.abort(signal.reason as Error)
        },
        onResponseStart(_controller, status, received) {
          if (status < 200) return
          head = {
            status,
            headers: {
              get(name) {
                const value = received[name]
                return value === undefined ? null : [value].flat().join(', ')
              },
            },
          }
        },
        onResponseData(started, chunk) {
          chunks.push(chunk)
          length += chunk.byteLength
          if (length <= ANSWER_MAX_BYTES) return
          conclude(false)
          started.abort(new Error('longer than we read'))
        },
        onResponseEnd() {
          conclude(true)
        },
        onResponseError(_controller, cause) {
          conclude(false, new TypeError('fetch failed', { cause }))
        },
      },
    )
  })
}
