/** `logs`: prints the log of the service from where its manager keeps it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { loadServices } from '../../platform/chosen.ts'
import { SidecarError } from '../../errors.ts'
import type { ServiceManager } from '../../platform/service-manager.ts'
import type { Invocation } from '../command.ts'
import { toPlainLogLine } from '../log-lines.ts'
import { usageFault } from '../usage.ts'
import { serviceOptions } from './find-service-manager.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findInstalledManager(invocation)
  const { file, args } = manager.logProgram(flag('follow'))
  const forPerson = io.stdout.isTTY && !flag('json')
  const child = spawn(file, args, { env: io.env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  // Awaited below; without a handler until then, Node would end the process.
  ended.catch(() => undefined)
  // The program that reads our output has ended (`| head -1`).
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
  // Null for a program that Ctrl-C ended.
  return code ?? 0
}

/** This user's service where it is installed, else the machine's. @throws {SidecarError} `failed` where neither is. */
async function findInstalledManager(invocation: Invocation): Promise<ServiceManager> {
  const { command, flag, io } = invocation
  const services = await loadServices()
  const causes: unknown[] = []
  for (const system of flag('system') ? [true] : [false, true]) {
    const fault = services.optionFault({ system, group: undefined })
    if (fault !== undefined && flag('system')) throw usageFault(command, fault)
    if (fault !== undefined) continue
    try {
      const manager = await services.find(serviceOptions(system, io.env))
      if (manager.installedFiles().some(({ text }) => text !== undefined)) return manager
    } catch (error) {
      // A user without a systemd of their own may still read the log of the machine's service.
      if (!(error instanceof SidecarError)) throw error
      causes.push(error)
    }
  }
  throw new SidecarError('failed', 'No service is installed, so it has no log.', {
    cause: causes[0],
    hint: 'A daemon that you started with `evo-token serve` logs to that terminal. `evo-token service install` makes a service.',
  })
}
