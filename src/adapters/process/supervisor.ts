/**
 * Tells systemd how the daemon is (sd_notify(3)); does nothing where nobody asked for it.
 *
 * Node has no datagram sockets, and starting `systemd-notify` from a large process stops it for
 * tens of milliseconds: so one shell is started early, and runs it for each line that it is given.
 */
import { type ChildProcess, spawn } from 'node:child_process'

export interface Supervisor {
  ready(): void
  reloading(): void
  stopping(): void
  /** One line for people; nothing secret. */
  status(text: string): void
  /** Has to come more often than WatchdogSec= says. */
  watchdog(): void
  /** Nothing more is told. What was told before still arrives. */
  close(): void
}

/** One or two assignments in a line, a tab between them. */
const READER = `while IFS='\t' read -r one two; do systemd-notify "$one" \${two:+"$two"}; done`

export function createSupervisor(env: NodeJS.ProcessEnv): Supervisor {
  const reader = env.NOTIFY_SOCKET ? createReader(env) : undefined
  const tell = (...assignments: readonly string[]) => {
    reader?.send(assignments.join('\t'))
  }
  return {
    ready() {
      tell('READY=1')
    },
    reloading() {
      // systemd compares it with its own clock where Type=notify-reload (sd_notify(3)).
      tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    },
    stopping() {
      tell('STOPPING=1')
    },
    status(text) {
      tell(`STATUS=${text.replace(/\s+/g, ' ')}`)
    },
    watchdog() {
      tell('WATCHDOG=1')
    },
    close() {
      reader?.close()
    },
  }
}

function createReader({ PATH, NOTIFY_SOCKET }: NodeJS.ProcessEnv) {
  let shell: ChildProcess | undefined
  let closed = false

  function start(): ChildProcess {
    const started = spawn('/bin/sh', ['-c', READER], {
      // Nothing of our own environment is its business.
      env: { PATH, NOTIFY_SOCKET },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const forget = () => {
      if (shell === started) shell = undefined
    }
    started.once('error', forget)
    started.once('exit', forget)
    started.stdin.once('error', forget)
    // The daemon ends when its own work does.
    started.unref()
    ;(started.stdin as unknown as Pick<ChildProcess, 'unref'>).unref()
    return started
  }

  shell = start()
  return {
    send(line: string) {
      if (closed) return
      // Somebody ended it: another one takes its place.
      shell ??= start()
      shell.stdin?.write(`${line}\n`)
    },
    close() {
      closed = true
      shell?.stdin?.end()
    },
  }
}
