/** Opens a browser for a sign-in. */

/** Whether a program for it could be started; whether a page appears is unknown. */
export async function openBrowser(url: string): Promise<boolean> {
  const { default: open } = await import('open')
  try {
    await open(url)
    return true
  } catch {
    // No program to open it with: the person can still do that by hand.
    return false
  }
}
