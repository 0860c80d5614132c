/** Finds the service manager of this machine. */
import { loadServices } from '../../platform/chosen.ts'
import type { Invocation } from '../command.ts'
import { stopDaemon } from '../daemon/stop.ts'
import { usageFault } from '../usage.ts'
import type { ServiceManager, ServiceOptions } from '../../platform/service-manager.ts'

/** @throws {SidecarError} `invalid_request` for options that it does not support, `failed` where there is no service manager. */
export async function findServiceManager(invocation: Invocation): Promise<ServiceManager> {
  const { command, flag, io, text } = invocation
  const services = await loadServices()
  const system = flag('system')
  const fault = services.optionFault({ system, group: text('group') })
  if (fault !== undefined) throw usageFault(command, fault)
  return services.find(serviceOptions(system, io.env))
}

export function serviceOptions(system: boolean, env: NodeJS.ProcessEnv): ServiceOptions {
  return { system, env, stopDaemon: () => stopDaemon({ env, ownerOnly: true }) }
}
