/** A child of the bench: a program of another user, without a key, that does one thing as fast as it can. */
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Abuse, AbuseOrder, Done } from './abuses.ts'

const IDLE_CONNECTIONS = 2_000
/** One that was closed is opened again after that long. */
const IDLE_AGAIN_MS = 1_000
const SLOW_CONNECTIONS = 400
const DRIP_MS = 100
const BEGUN_MS = 500
const BUSY_CONNECTIONS = 16
/** As many as Node reads at a time: 64 KiB. */
const PIPELINED = 3_600
const MEGABYTE = 'a'.repeat(1024 * 1024)

let done = 0
let stopped = false

process.on('message', (order: AbuseOrder | 'stop') => {
  if (order === 'stop') {
    stopped = true
    process.send?.({ done } satisfies Done, () => process.exit())
    return
  }
  begin(order)
  void reached(order.until).then(() => process.send?.({ done } satisfies Done))
})

async function reached(count: number | undefined): Promise<void> {
  // By then every connection that it wants is open, or has been refused.
  await pause(BEGUN_MS)
  while (count !== undefined && done < count) await pause(BEGUN_MS)
}

function begin({ abuse, port }: AbuseOrder): void {
  const head = `Host: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n`
  const post = `POST /v1/apps/app-1/refresh HTTP/1.1\r\n${head}`
  const again = (count: number, run: (socket: Socket) => void) => {
    for (let index = 0; index < count; index++) reconnect(port, run)
  }
  const runs: Readonly<Record<Abuse, () => void>> = {
    'bad keys': () => {
      const wrong = `GET /v1/apps/app-1/token HTTP/1.1\r\n${head}Authorization: Bearer evtk_wrong\r\n\r\n`
      again(BUSY_CONNECTIONS, (socket) => {
        repeat(socket, wrong, 1)
      })
    },
    'idle connections': () => {
      for (let index = 0; index < IDLE_CONNECTIONS; index++) {
        reconnect(port, () => undefined, IDLE_AGAIN_MS)
      }
    },
    'new connections': () => {
      again(BUSY_CONNECTIONS, (socket) => socket.end())
    },
    'slow headers': () => {
      again(SLOW_CONNECTIONS, (socket) => {
        socket.write('GET /v1/apps HTTP/1.1\r\nX-Slow: ')
        drip(socket)
      })
    },
    'slow bodies': () => {
      again(SLOW_CONNECTIONS, (socket) => {
        socket.write(`${post}Content-Length: 16000\r\n\r\n`)
        drip(socket)
      })
    },
    'pipelined requests': () => {
      again(BUSY_CONNECTIONS, (socket) => {
        repeat(socket, 'GET / HTTP/1.1\r\n\r\n'.repeat(PIPELINED), PIPELINED)
      })
    },
    '1 MB headers': () => {
      again(BUSY_CONNECTIONS, (socket) => {
        socket.write(`GET / HTTP/1.1\r\nX-Large: ${MEGABYTE}\r\n\r\n`)
      })
    },
    '10 MB bodies': () => {
      again(BUSY_CONNECTIONS, (socket) => {
        const length = 10 * MEGABYTE.length
        socket.write(`${post}Connection: close\r\nContent-Length: ${length}\r\n\r\n`)
        for (let index = 0; index < 10; index++) socket.write(MEGABYTE)
      })
    },
    'wrong lengths': () => {
      const tricks = [
        'Content-Length: 1\r\nContent-Length: 2',
        'Content-Length: 5\r\nTransfer-Encoding: chunked',
        'Transfer-Encoding: xchunked',
      ]
      again(BUSY_CONNECTIONS, (socket) => {
        socket.write(`${post}${tricks[done % tricks.length] ?? ''}\r\n\r\n{}`)
      })
    },
  }
  runs[abuse]()
}

/** Runs on a new connection, and on the next one `pauseMs` after that has ended. */
function reconnect(port: number, run: (socket: Socket) => void, pauseMs = 0): void {
  if (stopped) return
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  socket.resume()
  socket.once('connect', () => {
    run(socket)
  })
  socket.once('close', () => {
    done += 1
    if (pauseMs === 0) reconnect(port, run)
    else setTimeout(reconnect, pauseMs, port, run, pauseMs)
  })
}

/** Sends `bytes` again whenever `answers` have come to them. */
function repeat(socket: Socket, bytes: string, answers: number): void {
  let due = answers
  let rest = ''
  socket.on('data', (chunk) => {
    // An answer may begin in one piece and go on in the next.
    const pieces = `${rest}${chunk.toString('latin1')}`.split('HTTP/1.1 ')
    rest = pieces.at(-1)?.slice(-8) ?? ''
    const came = pieces.length - 1
    done += came
    due -= came
    if (due > 0) return
    due = answers
    socket.write(bytes)
  })
  socket.write(bytes)
}

function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('a'), DRIP_MS)
  socket.once('close', () => {
    clearInterval(timer)
  })
}
