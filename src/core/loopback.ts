/** Which addresses and host names are always this machine's own. */

const IPV4_OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4_LOOPBACK = new RegExp(`^127(?:\\.${IPV4_OCTET}){3}$`)

/** Whether an IP address, without brackets and in canonical form, is in 127.0.0.0/8 or is ::1. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || IPV4_LOOPBACK.test(address)
}

/** Whether a host, as it stands in a URL or in the config, is a loopback address or `localhost`. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(unbracket(host))
}

/** Whether an error with this code, of listening at a loopback address, says that the host has none: no IPv6, or no IPv4. */
export function isAddressMissing(code: string | undefined): boolean {
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}

/** Unprivileged ports that browsers refuse (Fetch Standard, "port blocking"). */
const BLOCKED_BY_BROWSERS: ReadonlySet<number> = new Set([
  ...[1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566],
  ...[6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
])

/** Whether no browser can open `port` of this machine: there is no port 0, and browsers block some others. */
export function isOutOfReach(port: number): boolean {
  return port === 0 || BLOCKED_BY_BROWSERS.has(port)
}

/** An IPv6 address of a URL without its brackets; any other host as it is. */
export function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
