/** The answer to a browser that asks for the script of a service worker; no page of ours has one. */

/**
 * The script for a service worker that another program on this address (a development server) has left
 * behind, and that would answer in our place: it removes itself and loads its pages again, so that their
 * requests come to us.
 */
export const WORKER_REMOVAL = `self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => {
  const leave = async () => {
    await self.registration.unregister()
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
    await Promise.allSettled(pages.map((page) => page.navigate(page.url)))
  }
  event.waitUntil(leave())
})
`
