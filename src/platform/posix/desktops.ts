/** The desktops of Linux and similar systems (freedesktop.org), and of macOS. */
import type { Desktop } from '../platform.ts'

export const freedesktop: Desktop = {
  noticeCommand(text, env) {
    const hasDesktop = env.DISPLAY || env.WAYLAND_DISPLAY || env.DBUS_SESSION_BUS_ADDRESS
    return hasDesktop ? ['notify-send', '--', 'evo-token', withoutMarkup(text)] : undefined
  },
  mayOpenBrowser: (env) =>
    // In WSL the browser runs on Windows, and needs no display here.
    Boolean(env.DISPLAY || env.WAYLAND_DISPLAY || env.BROWSER || env.WSL_DISTRO_NAME),
  browserCommand: () => undefined,
}

export const macDesktop: Desktop = {
  noticeCommand(text) {
    // The text is an argument of the script, so that it is never run as AppleScript.
    const script =
      'on run argv\ndisplay notification (item 1 of argv) with title "evo-token"\nend run'
    return ['osascript', '-e', script, text]
  },
  mayOpenBrowser: (env) => !env.SSH_CONNECTION,
  browserCommand: () => undefined,
}

/** Desktops read some HTML in the body (Desktop Notifications Specification, "Markup"). */
function withoutMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
