/**
 * Reports the daemon's state to systemd (sd_notify(3)); does nothing without `NOTIFY_SOCKET`.
 *
 * Node has no datagram sockets, and starting `systemd-notify` from a large process blocks that for
 * tens of milliseconds: so one shell is started early, and runs it for each line on its input.
 */
import { type ChildProcess, spawn } from 'node:child_process'

export interface Supervisor {
  ready(): void
  reloading(): void
  stopping(): void
  /** One line for people, without secrets. `describe` is called only where a supervisor listens. */
  status(describe: () => string): void
  /** Call it more often than WatchdogSec=. */
  watchdog(): void
  /** Sends nothing more. What was sent before still arrives. */
  close(): void
}

/** Reads lines of one or two assignments, separated by a tab. */
const READER_SCRIPT = `while IFS='\t' read -r one two; do systemd-notify "$one" \${two:+"$two"}; done`

export function createSupervisor(env: NodeJS.ProcessEnv): Supervisor {
  const reader = env.NOTIFY_SOCKET ? createReader(env) : undefined
  const notify = (...assignments: readonly string[]) => {
    reader?.send(assignments.join('\t'))
  }
  return {
    ready() {
      notify('READY=1')
    },
    reloading() {
      // systemd compares it with its own clock where Type=notify-reload (sd_notify(3)).
      notify('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    },
    stopping() {
      notify('STOPPING=1')
    },
    status(describe) {
      if (reader) notify(`STATUS=${describe().replace(/\s+/g, ' ')}`)
    },
    watchdog() {
      notify('WATCHDOG=1')
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
    const started = spawn('/bin/sh', ['-c', READER_SCRIPT], {
      // It needs nothing else of our environment.
      env: { PATH, NOTIFY_SOCKET },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const forget = () => {
      if (shell === started) shell = undefined
    }
    started.once('error', forget)
    started.once('exit', forget)
    started.stdin.once('error', forget)
    // The shell must not keep the daemon from ending.
    started.unref()
    ;(started.stdin as unknown as Pick<ChildProcess, 'unref'>).unref()
    return started
  }

  shell = start()
  return {
    send(line: string) {
      if (closed) return
      // Another process ended it: start a new one.
      shell ??= start()
      shell.stdin?.write(`${line}\n`)
    },
    close() {
      closed = true
      shell?.stdin?.end()
    },
  }
}
