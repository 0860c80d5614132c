/** Opens a browser for a sign-in, only if it would appear in front of the person who asked. */

export function canOpenBrowser(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (platform !== 'linux') return !env.SSH_CONNECTION
  // In WSL it is the browser of Windows, which needs no display here.
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY || env.BROWSER || env.WSL_DISTRO_NAME)
}

/** Whether a browser could be started; whether a page appears is unknown. */
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
