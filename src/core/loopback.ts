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

/** An IPv6 address of a URL without its brackets; any other host as it is. */
export function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
