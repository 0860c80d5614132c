/** What a command sees of the world, in memory: what it wrote, and a person who answers its prompts. */
import { PassThrough, Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import type { Io } from '../../src/cli/io.ts'

class Capture extends Writable {
  text = ''
  readonly columns = 200
  readonly isTTY: boolean

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += stripVTControlCharacters(chunk.toString())
    this.emit('text')
    done()
  }

  /** A prompt that is over ends its output; a terminal stays. */
  override end(): this {
    return this
  }
}

export interface CapturedIo {
  readonly io: Io
  readonly stdout: { readonly text: string }
  readonly stderr: { readonly text: string }
  /** Waits until `question` stands on stderr, then types `keys`. */
  type(question: string, keys: string): Promise<void>
}

export function captureIo({ env = {}, isTTY = false } = {}): CapturedIo {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const stdout = new Capture(isTTY)
  const stderr = new Capture(isTTY)
  return {
    io: { stdin, stdout, stderr, env } as unknown as Io,
    stdout,
    stderr,
    async type(question, keys) {
      while (!stderr.text.includes(question)) {
        await new Promise((resolve) => stderr.once('text', resolve))
      }
      stdin.write(keys)
    },
  }
}
