/**
 * Removes service workers that another program left at this address, such as a web server in development that had
 * this port before. They would see each request of the page, with its key.
 */

/**
 * Removes every service worker. Resolves with whether the page may show its key: not while a worker stands
 * between it and the daemon; then the page is loaded again, once.
 */
export async function leaveWorkers(): Promise<boolean> {
  // Some browsers have none in a private window.
  if (!('serviceWorker' in navigator)) return true
  // Firefox refuses where it keeps nothing for a site.
  const registrations = await navigator.serviceWorker.getRegistrations().catch(() => [])
  await Promise.all(registrations.map((one) => one.unregister()))
  if (!navigator.serviceWorker.controller) return true
  const [navigation] = performance.getEntriesByType('navigation')
  const isSecond = navigation instanceof PerformanceNavigationTiming && navigation.type === 'reload'
  if (!isSecond) location.reload()
  return false
}
