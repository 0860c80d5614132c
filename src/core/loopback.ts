/** Which addresses and host names are always this machine's own. */

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4_LOOPBACK = new RegExp(`^127(?:\\.${OCTET}){3}$`)

/** Whether an IP address, without brackets and in canonical form, is in 127.0.0.0/8 or is ::1. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || IPV4_LOOPBACK.test(address)
}

/** Whether a host, as it stands in a URL or in the config, is a loopback address or `localhost`. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(unbracket(host))
}

/** Ports to which no browser goes (Fetch Standard, "port blocking"), above those that only root opens. */
const SHUNNED_BY_BROWSERS: ReadonlySet<number> = new Set([
  ...[1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566],
  ...[6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
])

/** Whether no browser can come to a port of this machine: it has none there, or refuses to. */
export function isOutOfReach(port: number): boolean {
  return port === 0 || SHUNNED_BY_BROWSERS.has(port)
}

/** An IPv6 address of a URL without its brackets; any other host as it is. */
export function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
