/**
 * A child of the bench: asks over 16 kept-alive connections for two seconds, and says how it went. It
 * never sleeps meanwhile: else the server would pay for waking it, on a virtual machine more than for
 * the whole request, and the slower of two servers would pay more often.
 */
import { connect } from 'node:net'

const CONNECTIONS = 16
const ROUND_MS = 2_000

export interface Load {
  readonly port: number
  readonly path: string
  readonly key: string
}

export interface Round {
  readonly requests: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

process.on('message', (load: Load) => {
  void loadFor(load).then((round) => process.send?.(round))
})

async function loadFor(load: Load): Promise<Round> {
  const latencies: number[] = []
  const startedAt = performance.now()
  const end = startedAt + ROUND_MS
  const stayAwake = () => {
    if (performance.now() < end) setImmediate(stayAwake)
  }
  stayAwake()
  await Promise.all(Array.from({ length: CONNECTIONS }, () => askUntil(load, end, latencies)))
  const seconds = (performance.now() - startedAt) / 1000
  latencies.sort((one, other) => one - other)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
  const requests = latencies.length
  return { requests, perSecond: requests / seconds, p50: at(0.5), p99: at(0.99) }
}

/** One connection, one request at a time. The answers are all of one length, which the first one tells. */
function askUntil({ port, path, key }: Load, end: number, latencies: number[]): Promise<void> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n\r\n`
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let sentAt = 0
    let length = 0
    let received = 0
    const ask = () => {
      received = 0
      sentAt = performance.now()
      socket.write(request)
    }
    socket.on('connect', ask)
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      if (length === 0) {
        const head = chunk.toString('latin1')
        const bodyAt = head.indexOf('\r\n\r\n') + 4
        if (!head.startsWith('HTTP/1.1 200') || bodyAt < 4) {
          reject(new Error(`unexpected answer: ${head.slice(0, 400)}`))
          return
        }
        length = bodyAt + Number(/content-length: (\d+)/i.exec(head)?.[1])
      }
      received += chunk.length
      if (received < length) return
      const now = performance.now()
      latencies.push(now - sentAt)
      if (now < end) {
        ask()
        return
      }
      socket.destroy()
      resolve()
    })
  })
}
