/**
 * The pages that a browser shows at the end of a sign-in. They load nothing, run nothing, send no
 * referrer, and say only what is safe to show.
 */
import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { SignInPage } from '../../core/redirect-listener.ts'

const PAGE_STYLE = `
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif }
body { display: grid; min-height: 90vh; margin: 0; place-content: center }
main { max-width: 34rem; padding: 2rem; border-left: .4rem solid #2e7d32 }
main.failed { border-color: #c62828 }
h1 { margin: 0 0 .5rem; font-size: 1.4rem }
p { margin: 0; overflow-wrap: anywhere }
`

const STYLE_HASH = createHash('sha256').update(PAGE_STYLE).digest('base64')

const CALLBACK_PAGE_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Headers of every response: the address that the browser came from may hold a code. */
export const ANSWER_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  Connection: 'close',
  'Content-Security-Policy': CALLBACK_PAGE_CSP,
  'Content-Type': 'text/html; charset=utf-8',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export function renderPage({ ok, title, text }: SignInPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main class="${ok ? 'ok' : 'failed'}">
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
</main>
</body>
</html>
`
}

/** A whole response, for bytes that never became a request. */
export function renderResponse(status: number, page: SignInPage): string {
  const body = renderPage(page)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(ANSWER_HEADERS).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** Escapes HTML: the text may quote a server. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
