/** What a process has of the machine, looked at again and again. */
import { readdirSync, readFileSync } from 'node:fs'
import { spreadOf } from './spread.ts'

interface Look {
  readonly rssMiB: number
  readonly descriptors: number
}

export interface Usage {
  /** Medians of the tenth of the time after the warm-up, and of the last tenth. */
  readonly early: Look
  readonly late: Look
  readonly descriptorRange: readonly [number, number]
}

const EVERY_MS = 1_000

export function measure(pid: number) {
  const looks: Look[] = []
  const interval = setInterval(() => {
    looks.push(lookAt(pid))
  }, EVERY_MS)
  return {
    /** @param warmUp the share of the time that does not count. */
    stop(warmUp: number): Usage {
      clearInterval(interval)
      const tenth = Math.ceil(looks.length / 10)
      const counted = looks.slice(Math.floor(looks.length * warmUp))
      const descriptors = counted.map((look) => look.descriptors)
      return {
        early: medianOf(counted.slice(0, tenth)),
        late: medianOf(counted.slice(-tenth)),
        descriptorRange: [Math.min(...descriptors), Math.max(...descriptors)],
      }
    },
  }
}

function medianOf(looks: readonly Look[]): Look {
  return {
    rssMiB: spreadOf(looks.map(({ rssMiB }) => rssMiB)).median,
    descriptors: spreadOf(looks.map(({ descriptors }) => descriptors)).median,
  }
}

function lookAt(pid: number): Look {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
  return { rssMiB: Number(kib) / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length }
}
