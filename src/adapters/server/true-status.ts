/**
 * Keeps `fetch` from acting on the status of an answer. By its standard it sends a request once more after a
 * 421, which would spend a refresh token twice, and hides a 407 with all that the server says.
 */
import type { Dispatcher } from 'undici'

/** Stands for every refusal. */
const REFUSAL = 400

export interface TrueStatus {
  /** To be given to `fetch`, for one request. */
  readonly dispatcher: Dispatcher
  /** The status of the answer, as the server sent it. */
  readonly status: () => number
}

export function keepTrueStatus(agent: Dispatcher): TrueStatus {
  let sent = 0
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    return dispatch(options, {
      onRequestStart: (...args) => handler.onRequestStart?.(...args),
      onResponseStart(controller, status, ...rest) {
        sent = status
        handler.onResponseStart?.(controller, Math.min(status, REFUSAL), ...rest)
      },
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    })
  })
  return { dispatcher, status: () => sent }
}
