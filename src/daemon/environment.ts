/** Refuses settings of Node that would open the daemon to others, or make it write secrets. */
import { SidecarError } from '../errors.ts'

/** Options that open an inspector, or write memory or traffic to a file. */
const OPENING_OPTIONS =
  /(^|\s)--(inspect|tls-keylog|trace-tls|trace-event|heapsnapshot|heap-prof|report-on|report-uncaught|abort-on-uncaught)[\w-]*/

/** @throws {SidecarError} `config`, naming the variable and what to do. */
export function refuseUnsafeEnvironment(
  env: NodeJS.ProcessEnv,
  nodeArguments: readonly string[],
): void {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    refuseVariable(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 lets any server pose as the authorization server',
      {
        hint: 'Unset it. For a company\'s own certificate authority set "ca" in the config, or NODE_EXTRA_CA_CERTS.',
      },
    )
  }
  for (const name of ['NODE_DEBUG', 'NODE_DEBUG_NATIVE']) {
    if (env[name]) refuseVariable(`${name} makes Node print what it sends and receives`)
  }
  const inEnvironment = findOpeningOption(env.NODE_OPTIONS ?? '')
  const option = inEnvironment ?? findOpeningOption(nodeArguments.join(' '))
  if (option !== undefined) {
    const where = inEnvironment === undefined ? 'the command line' : 'NODE_OPTIONS'
    refuseVariable(`${option} in ${where} opens the memory of the daemon to others`)
  }
}

/** Node accepts `_` for `-` in an option's name, and quotes and backslashes anywhere in NODE_OPTIONS. */
function findOpeningOption(options: string): string | undefined {
  const plain = options.replaceAll(/["\\]/g, '').replaceAll('_', '-')
  return OPENING_OPTIONS.exec(plain)?.[0].trim()
}

function refuseVariable(what: string, options: { readonly hint?: string } = {}): never {
  throw new SidecarError('config', `${what}: the daemon does not start with it.`, {
    hint: 'Remove it and start again.',
    ...options,
  })
}
