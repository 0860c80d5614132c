/** Against a real datagram socket, as systemd's is: python has them, Node does not. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { createSupervisor } from '../../src/adapters/process/supervisor.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { until } from '../support/until.ts'

const RECEIVER = `
import signal, socket, sys
# Whatever becomes of the test, this ends.
signal.alarm(120)
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(receiver.recv(4096).decode().replace('\\n', '|'), flush=True)
`

interface Receiver extends AsyncDisposable {
  readonly env: NodeJS.ProcessEnv
  /** Each message, its lines joined by a bar. */
  readonly messages: readonly string[]
}

async function startReceiver(): Promise<Receiver> {
  const directory = mkdtempSync(join(tmpdir(), 'evo-notify-'))
  const socket = join(directory, 'notify')
  const child = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  await until('the receiver listens', () => lines.length === 1)
  return {
    env: { PATH: process.env.PATH, NOTIFY_SOCKET: socket, SECRET_OF_OURS: 'not for the shell' },
    get messages() {
      // systemd-notify waits with BARRIER=1 until its message was read.
      return lines.slice(1).filter((line) => line !== 'BARRIER=1')
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      rmSync(directory, { recursive: true })
    },
  }
}

/** The shells that read for a receiver. */
function readersOf({ env }: Receiver): number[] {
  const { stdout } = spawnSync('pgrep', ['-f', 'read -r one two; do systemd-notify'], {
    encoding: 'utf8',
  })
  return stdout
    .trim()
    .split('\n')
    .map(Number)
    .filter((pid) => {
      const { stdout: environment } = spawnSync('cat', [`/proc/${pid}/environ`], {
        encoding: 'utf8',
      })
      return environment.includes(String(env.NOTIFY_SOCKET))
    })
}

const needed = missingCommands('systemd-notify', 'python3', 'pgrep')

describe('a supervisor that listens', () => {
  itNeeds(needed)('is told everything in order, and what was told before the end too', async () => {
    await using receiver = await startReceiver()
    const supervisor = createSupervisor(receiver.env)
    supervisor.ready()
    supervisor.status(() => 'two apps,\n\tone of them "signed out"; $HOME `id` \\ %s')
    supervisor.watchdog()
    supervisor.reloading()
    supervisor.stopping()
    supervisor.close()
    supervisor.ready()
    await until(
      'five messages have come',
      () => receiver.messages,
      ({ length }) => length >= 5,
    )
    expect(receiver.messages).toEqual([
      'READY=1',
      'STATUS=two apps, one of them "signed out"; $HOME `id` \\ %s',
      'WATCHDOG=1',
      expect.stringMatching(/^RELOADING=1\|MONOTONIC_USEC=\d+$/),
      'STOPPING=1',
    ])
    await until('the shell has ended', () => readersOf(receiver).length === 0)
  })

  itNeeds(needed)('is told the time by its own clock when the config is read again', async () => {
    await using receiver = await startReceiver()
    const supervisor = createSupervisor(receiver.env)
    const before = process.hrtime.bigint() / 1000n
    supervisor.reloading()
    await until(
      'the message has come',
      () => receiver.messages,
      ({ length }) => length === 1,
    )
    const told = BigInt(/\d+$/.exec(receiver.messages[0] ?? '')?.[0] ?? 0)
    expect(told >= before && told <= process.hrtime.bigint() / 1000n).toBe(true)
    supervisor.close()
  })

  itNeeds(needed)(
    'is told by another shell where another process ended the first one',
    async () => {
      await using receiver = await startReceiver()
      const supervisor = createSupervisor(receiver.env)
      supervisor.ready()
      await until(
        'the message has come',
        () => receiver.messages,
        ({ length }) => length === 1,
      )
      const [first = 0] = readersOf(receiver)
      process.kill(first, 'SIGKILL')
      await until('another shell tells it', () => {
        supervisor.watchdog()
        return receiver.messages.includes('WATCHDOG=1')
      })
      expect(readersOf(receiver)).not.toContain(first)
      supervisor.close()
    },
  )

  itNeeds(needed)('finds nothing of our environment in the shell', async () => {
    await using receiver = await startReceiver()
    const supervisor = createSupervisor(receiver.env)
    await until('the shell runs', () => readersOf(receiver).length === 1)
    const [pid = 0] = readersOf(receiver)
    const { stdout } = spawnSync('cat', [`/proc/${pid}/environ`], { encoding: 'utf8' })
    expect(stdout).not.toContain('SECRET_OF_OURS')
    supervisor.close()
  })
})

it('the service manager is told nothing where it did not ask', () => {
  const supervisor = createSupervisor({ PATH: '/nonexistent' })
  supervisor.ready()
  supervisor.status(() => 'x')
  supervisor.watchdog()
  supervisor.reloading()
  supervisor.stopping()
  supervisor.close()
})
