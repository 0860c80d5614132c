/**
 * Tunnels through a SOCKS proxy, for undici's agent for HTTP proxies: what that does with a tunnel holds for
 * these too. Undici's own agent for SOCKS makes connections that nothing can hold back, with time limits of its own.
 */
import type { Socket } from 'node:net'
import { type buildConnector, Dispatcher, Socks5ProxyAgent } from 'undici'
import { unbracket } from '../../core/loopback.ts'

/** What its own requests are sent through; its types leave it out. */
interface SocksHandshake {
  createSocks5Connection(host: string, port: number): Promise<Socket>
}

/** Stands for the URL of a SOCKS proxy, which follows the `#`, where undici wants that of an HTTP proxy. */
const STAND_IN = 'http://socks.invalid/#'

export function isSocks(proxyUrl: string): boolean {
  return /^socks5?:/i.test(proxyUrl)
}

export function standInFor(socksUrl: string): string {
  return STAND_IN + encodeURIComponent(socksUrl)
}

/** The URL of the SOCKS proxy that `url` stands for; undefined where it is that of an HTTP proxy. */
export function socksUrlIn({ href, hash }: URL): string | undefined {
  return href.startsWith(STAND_IN) ? decodeURIComponent(hash.slice(1)) : undefined
}

/** @param connect connects to the proxy. */
export function createSocksTunnels(url: string, connect: buildConnector.connector): Dispatcher {
  async function open(target: string): Promise<Socket> {
    const { hostname, port } = new URL(`http://${target}`)
    let toProxy: Socket | undefined
    const agent = new Socks5ProxyAgent(url, {
      connect(options, done) {
        connect(options, (...result) => {
          toProxy = result[1] ?? undefined
          done(...result)
        })
      },
    })
    try {
      const handshake = agent as unknown as SocksHandshake
      return await handshake.createSocks5Connection(unbracket(hostname), Number(port || 80))
    } catch (error) {
      toProxy?.destroy()
      throw error
    }
  }

  return Object.assign(new Dispatcher(), {
    connect: async ({ path }: { readonly path: string }) => ({
      statusCode: 200,
      socket: await open(path),
    }),
    // A tunnel is destroyed by the request that uses it.
    close: async () => undefined,
    destroy: async () => undefined,
  })
}
