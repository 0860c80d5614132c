/** 2,000 programs that connect at the same instant, each with a good key: how many are answered, and when the last is. */
import { readFile } from 'node:fs/promises'
import { connect, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import { aim, median, milliseconds } from './figures.ts'
import { startQuietDaemon } from './quiet-daemon.ts'
import { homeWithSessions } from './stored-sessions.ts'

const ROUNDS = 5
const CALLERS = 2_000
const PATH = '/v1/apps/app-1/token'

export async function benchCrowd(): Promise<void> {
  await using home = await homeWithSessions(1)
  await using daemon = await startQuietDaemon(home)
  const key = (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()
  const { host, port } = new URL(daemon.url)
  const doors: Readonly<Record<string, readonly [NetConnectOpts, string]>> = {
    TCP: [
      { host: '127.0.0.1', port: Number(port) },
      `Host: ${host}\r\nAuthorization: Bearer ${key}`,
    ],
    'owner socket': [{ path: daemon.socket }, 'Host: localhost'],
  }
  console.log(`${CALLERS} callers at once, the fewest and the median of ${ROUNDS} rounds:`)
  for (const [door, [to, headers]] of Object.entries(doors)) {
    const request = `GET ${PATH} HTTP/1.0\r\n${headers}\r\n\r\n`
    const answered: number[] = []
    const tookMs: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const startedAt = performance.now()
      const answers = await Promise.all(
        Array.from({ length: CALLERS }, () => isAnswered(to, request)),
      )
      tookMs.push(performance.now() - startedAt)
      answered.push(answers.filter(Boolean).length)
    }
    console.log(`  ${door.padEnd(12)} within ${milliseconds(median(tookMs)).trim()}`)
    aim(`answered over ${door}`, Math.min(...answered), { atLeast: CALLERS, unit: ' callers' })
  }
}

async function isAnswered(to: NetConnectOpts, request: string): Promise<boolean> {
  const socket = connect(to)
  let came = ''
  socket.on('data', (chunk) => {
    came += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.write(request)
  await new Promise((resolve) => socket.once('close', resolve))
  return came.startsWith('HTTP/1.1 200') && came.endsWith('}')
}

if (process.argv[1] === import.meta.filename) await benchCrowd()
