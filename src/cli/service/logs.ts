/** `logs`: the log of the service, from where its manager keeps it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { loadServices } from '../../platform/chosen.ts'
import { SidecarError } from '../../errors.ts'
import type { ServiceManager } from '../../platform/service-manager.ts'
import type { Invocation } from '../command.ts'
import { toPlainLogLine } from '../log-lines.ts'
import { findServiceManager } from './choose.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await installedManager(invocation)
  const { file, args } = manager.logProgram(flag('follow'))
  const forPerson = io.stdout.isTTY && !flag('json')
  const child = spawn(file, args, { env: io.env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  // The reader of our output has gone (`| head -1`).
  io.stdout.once('close', () => child.kill())
  for await (const line of createInterface(child.stdout)) {
    io.stdout.write(forPerson ? toPlainLogLine(line) : `${line}\n`)
  }
  const [code] = await ended.catch((cause: unknown) => {
    throw new SidecarError('failed', `${file} cannot be run.`, {
      cause,
      hint: `See the log with \`${manager.logCommand}\`.`,
    })
  })
  // Null where Ctrl-C ended it.
  return code ?? 0
}

/** This user's service where it is installed, else the machine's. @throws {SidecarError} `failed` where neither is. */
async function installedManager(invocation: Invocation): Promise<ServiceManager> {
  const { flag, io } = invocation
  const isInstalled = (manager: ServiceManager) =>
    manager.installedFiles().some(({ text }) => text !== undefined)
  const failures: unknown[] = []
  if (!flag('system')) {
    try {
      const own = await findServiceManager(invocation)
      if (isInstalled(own)) return own
    } catch (error) {
      // A user without a systemd of their own may still read the log of the machine's service.
      failures.push(error)
    }
  }
  const services = await loadServices()
  if (services.optionFault({ system: true, group: undefined }) === undefined) {
    const machine = await services.find({ system: true, env: io.env })
    if (flag('system') || isInstalled(machine)) return machine
  }
  throw new SidecarError('failed', 'No service is installed, so it has no log.', {
    cause: failures[0],
    hint: 'A daemon that you started with `evo-token serve` logs to that terminal. `evo-token service install` makes a service.',
  })
}
