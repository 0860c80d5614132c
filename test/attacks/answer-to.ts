/** One request on a connection of its own, by a program that is one of thousands. */
import { connect, type NetConnectOpts } from 'node:net'

/** The first words of the answer, or the code of what went wrong. */
export async function answerTo(to: NetConnectOpts, request: string): Promise<string> {
  const socket = connect(to)
  let came = ''
  return new Promise((resolve) => {
    socket.on('data', (chunk) => {
      came += chunk.toString('latin1')
    })
    socket.on('error', ({ code = 'error' }: NodeJS.ErrnoException) => {
      resolve(code)
    })
    socket.on('end', () => {
      resolve(came.slice(0, 12))
    })
    socket.write(request)
  })
}
