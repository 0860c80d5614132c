/** Raw bytes to a server, and what comes back until it ends the connection. */
import { connect } from 'node:net'
import { received } from '../attacks/besieged.ts'

export type Target = { readonly port: number } | { readonly path: string }

/**
 * Half-closed behind the last byte, so that the server can see that nothing more comes; or left open,
 * for a server that takes its time: Node's gives an answer up when its reader half-closes.
 */
export async function exchange(
  target: Target,
  bytes: string | readonly Buffer[],
  { leftOpen = false } = {},
): Promise<string> {
  const socket = connect('port' in target ? { ...target, host: '127.0.0.1' } : target)
  socket.on('error', () => undefined)
  for (const piece of typeof bytes === 'string' ? [Buffer.from(bytes, 'latin1')] : bytes)
    socket.write(piece)
  if (!leftOpen) socket.end()
  return received(socket)
}

/** As header and request line have it: every character is one byte. */
export function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
