/** Tells what kind of request a browser sent to a redirect port or to the page, by headers that no page can set. */
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Headers with which browsers say that no person has asked for the page yet: `Sec-Purpose` (Fetch Standard),
 * the `Purpose` and `X-Purpose` of older ones, `X-Moz`, and that of a page's speculation rules. No other request has them.
 */
const LOOKS_AHEAD = /^(?:(?:[a-z]+-)*purpose|x-moz|sec-speculation-tags)$/

/** The values of such headers, whatever their name. */
const AHEAD = /^(?:prefetch|prerender|preview)\b/i

/** Whether a person navigates to a page: not a script's fetch, an image, a frame or a WebSocket (which sends no mode). */
export function isNavigation(headers: IncomingHttpHeaders): boolean {
  const { 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': dest = 'document' } = headers
  return mode === 'navigate' && dest === 'document' && headers.upgrade === undefined
}

/**
 * Whether the browser prefetches, prerenders or previews: the person may never go there. Cookies are
 * left out: other programs on this host set them.
 */
export function isLookingAhead({ cookie: _, ...headers }: IncomingHttpHeaders): boolean {
  return Object.entries(headers).some(
    ([name, value]) => LOOKS_AHEAD.test(name) || AHEAD.test(String(value)),
  )
}

/** Whether a service worker gets the answer before its page does (Service Workers, "navigation preload"). */
export function isForWorker(headers: IncomingHttpHeaders): boolean {
  return headers['service-worker-navigation-preload'] !== undefined
}

/** Whether a service worker's script is asked for (Service Workers, "Service-Worker" header). */
export function isWorkerScript(headers: IncomingHttpHeaders): boolean {
  return headers['service-worker'] === 'script' || headers['sec-fetch-dest'] === 'serviceworker'
}

/** Whether these first bytes of a connection are a TLS handshake (RFC 8446 §5.1): the browser tries https:. */
export function isTlsHello(bytes: Uint8Array | undefined): boolean {
  return bytes?.[0] === 0x16 && bytes[1] === 0x03
}

/** A fatal alert `handshake_failure` (RFC 8446 §6.2): the browser gives up at once, and may try http:. */
export const TLS_REFUSAL = Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28)
