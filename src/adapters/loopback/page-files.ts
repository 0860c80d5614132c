/**
 * The files of the page, as the browser gets them: only our own, no inline script, in no frame. Nothing is
 * cleared at this origin (`Clear-Site-Data`): that would delete the keys of the other tabs.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { packageManifest } from '../process/package-version.ts'
import { WORKER_REMOVAL } from './worker-removal.ts'

const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ')

const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': PAGE_CSP,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export interface PageFile {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type PageFiles = Awaited<ReturnType<typeof loadPageFiles>>

const PAGE_ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="14" fill="#1b7a4b"/><path d="M16 6v10l7 6" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round"/></svg>`

/** As `npm run build` made them. */
const PAGE_DIRECTORY = join(dirname(packageManifest()), 'dist/web')

/** Once, at the start: an upgrade may replace them below a running daemon. */
export async function loadPageFiles(directory = PAGE_DIRECTORY) {
  const [script = '', style = ''] = await Promise.all(
    ['page.js', 'page.css'].map((name) => readFile(join(directory, name), 'utf8')),
  )
  const documentOf = documentWith({ script: integrityOf(script), style: integrityOf(style) })
  return {
    '/page.js': toPageFile('text/javascript; charset=utf-8', script),
    '/page.css': toPageFile('text/css; charset=utf-8', style),
    '/icon.svg': toPageFile('image/svg+xml', PAGE_ICON),
    /** @param key for the tab, where the link was opened. */
    page: (key?: string): PageFile => toPageFile('text/html; charset=utf-8', documentOf.page(key)),
    workerRemoval: toPageFile('text/javascript; charset=utf-8', WORKER_REMOVAL),
    refusal: (title: string, text: string): PageFile =>
      toPageFile('text/html; charset=utf-8', documentOf.refusal(title, text)),
  }
}

function toPageFile(type: string, body: string): PageFile {
  return { headers: { ...PAGE_HEADERS, 'Content-Type': type }, body }
}

/**
 * Subresource Integrity: a service worker of another program can block what the page loads, but cannot
 * replace it.
 */
function integrityOf(content: string): string {
  return `sha384-${createHash('sha384').update(content).digest('base64')}`
}

function documentWith(integrity: { readonly script: string; readonly style: string }) {
  const documentOf = (title: string, body: string, head = '') => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="stylesheet" href="/page.css" integrity="${integrity.style}">
<link rel="icon" href="/icon.svg">
${head}</head>
<body>
${body}
</body>
</html>
`
  return {
    page(key: string | undefined): string {
      const given = key === undefined ? '' : `<meta name="evo-token-page-key" content="${key}">\n`
      return documentOf(
        'evo-token',
        '<div id="page"><noscript>This page needs JavaScript.</noscript></div>',
        `${given}<script type="module" src="/page.js" integrity="${integrity.script}"></script>\n`,
      )
    },
    refusal: (title: string, text: string) =>
      documentOf(title, `<main class="refusal"><h1>${title}</h1><p>${text}</p></main>`),
  }
}
