/**
 * A child of the bench: programs that ask for a token now and then, as notebooks do, some over a
 * connection that they keep and some over a new one each time; for two seconds.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Load, Round } from './load.ts'

const KEEPING = 8
const CONNECTING = 4
const PAUSE_MS = 4
const ROUND_MS = 2_000

process.on('message', (load: Load) => {
  void callFor(load).then((round) => process.send?.(round))
})

async function callFor(load: Load): Promise<Round> {
  const latencies: number[] = []
  const startedAt = performance.now()
  const end = startedAt + ROUND_MS
  const callers = [
    ...Array.from({ length: KEEPING }, () => callUntil(load, end, latencies, true)),
    ...Array.from({ length: CONNECTING }, () => callUntil(load, end, latencies, false)),
  ]
  await Promise.all(callers)
  const seconds = (performance.now() - startedAt) / 1000
  latencies.sort((one, other) => one - other)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
  const requests = latencies.length
  return { requests, perSecond: requests / seconds, p50: at(0.5), p99: at(0.99) }
}

/** Rejects when an answer is not a token: then good callers were not answered throughout. */
async function callUntil(
  { port, path, key }: Load,
  end: number,
  latencies: number[],
  keep: boolean,
): Promise<void> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\n\r\n`
  let kept: Socket | undefined
  while (performance.now() < end) {
    const sentAt = performance.now()
    const socket = kept ?? connect({ port, host: '127.0.0.1', noDelay: true })
    await answerTo(socket, request)
    latencies.push(performance.now() - sentAt)
    if (keep) kept = socket
    else socket.destroy()
    await pause(PAUSE_MS)
  }
  kept?.destroy()
}

/** The answer is whole when its last byte is there: it is JSON without a line break. */
function answerTo(socket: Socket, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const fail = () => {
      reject(new Error(`a good caller was not answered: ${answer.slice(0, 200)}`))
    }
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (!answer.endsWith('}')) return
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      if (answer.startsWith('HTTP/1.1 200')) resolve()
      else fail()
    })
    socket.once('error', fail)
    socket.once('close', fail)
    socket.write(request)
  })
}
