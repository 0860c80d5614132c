/**
 * Several hosts on one machine: each has a network of its own (a namespace of the kernel) and a cable
 * to the others, which can be pulled. What was sent is lost then, and no one is told.
 */
import { execFileSync, spawnSync } from 'node:child_process'

/** Why there can be none; undefined where there can. */
export function noNetwork(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make networks'
  const probe = `${PREFIX}probe`
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'ip netns does not work'
  ip('netns', 'delete', probe)
  return undefined
}

export interface NetworkHost {
  readonly address: string
  /** A command that runs another one in its own place, on this host. */
  readonly under: readonly string[]
  pullCable(): void
  plugIn(): void
}

export interface Network extends Disposable {
  /** The address of this process, for those hosts. */
  readonly address: string
  addHost(): NetworkHost
}

/** Names of links have 15 characters at most. */
const PREFIX = `evo${process.pid.toString(36)}-`

let networks = 0

export function createNetwork(): Network {
  const id = networks++
  const subnet = `10.${200 + (id % 50)}.${process.pid % 250}`
  const bridge = `${PREFIX}${id}`
  const namespaces: string[] = []
  ip('link', 'add', bridge, 'type', 'bridge')
  ip('address', 'add', `${subnet}.1/24`, 'dev', bridge)
  ip('link', 'set', bridge, 'up')
  return {
    address: `${subnet}.1`,
    addHost() {
      const cable = `${bridge}.${namespaces.length}`
      const namespace = cable
      const address = `${subnet}.${namespaces.length + 2}`
      ip('netns', 'add', namespace)
      namespaces.push(namespace)
      ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      ip('link', 'set', cable, 'master', bridge, 'up')
      ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
      ip('-n', namespace, 'link', 'set', 'lo', 'up')
      ip('-n', namespace, 'link', 'set', 'eth0', 'up')
      return {
        address,
        under: ['nsenter', `--net=/run/netns/${namespace}`],
        pullCable: () => {
          ip('link', 'set', cable, 'down')
        },
        plugIn: () => {
          ip('link', 'set', cable, 'up')
        },
      }
    },
    [Symbol.dispose]() {
      // The end of a cable goes with its namespace, unless a process is still in it.
      namespaces.forEach((namespace) => {
        spawnSync('ip', ['link', 'delete', namespace])
        ip('netns', 'delete', namespace)
      })
      ip('link', 'delete', bridge)
    },
  }
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}
