/** What a process and its children asked of the kernel, as strace wrote it down. */
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { until } from '../support/until.ts'

/** Every call by which a file comes into being or changes its rights, and those that give it its name. */
const CALLS =
  'open,openat,openat2,creat,mknod,mknodat,mkdir,mkdirat,bind,umask,link,linkat,symlink,symlinkat,rename,renameat,renameat2,chmod,fchmod,fchmodat,fchmodat2'

/** `strace -D` becomes a child of what it traces, so that the process that was started is the traced one. */
export function traceTo(file: string): string[] {
  // An unknown name is an error of strace's, unless it has a question mark.
  const calls = CALLS.split(',').map((name) => `?${name}`)
  return [
    'strace',
    '-D',
    '-f',
    '--seccomp-bpf',
    '-y',
    '-s',
    '512',
    '-o',
    file,
    '-e',
    `trace=${calls.join(',')}`,
  ]
}

export interface Call {
  readonly pid: string
  readonly name: string
  readonly args: string
  /** The paths that stand in it, made absolute with what strace says of their descriptor. */
  readonly paths: readonly string[]
}

/** The calls that succeeded, in the order in which they ended, once the first process itself has ended. */
export async function readTrace(file: string): Promise<readonly Call[]> {
  return (await wholeCalls(file)).flatMap(({ pid, call }) => {
    const [, name = '', args = '', result = ''] = /^(\w+)\((.*)\) += (\S+)/.exec(call) ?? []
    return name === '' || result.startsWith('-') ? [] : [{ pid, name, args, paths: pathsIn(args) }]
  })
}

/** A call as it is written, whole also where another thread's came in between. */
export async function wholeCalls(file: string) {
  await until('the tracer has written of the end', () => {
    const text = readFileSync(file, 'utf8')
    const root = /^\d+/.exec(text)?.[0] ?? ''
    return new RegExp(`^${root} +\\+\\+\\+ (?:exited|killed)`, 'm').test(text)
  })
  const unfinished = new Map<string, string>()
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, pid = '', said = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
      if (said.endsWith(' <unfinished ...>')) {
        unfinished.set(pid, said.slice(0, -' <unfinished ...>'.length))
        return []
      }
      const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(said)
      return [{ pid, call: resumed ? `${unfinished.get(pid) ?? ''}${resumed[1] ?? ''}` : said }]
    })
}

/** `AT_FDCWD</home>, "a/b"` gives /home/a/b, and `"/a/b"` itself. */
function pathsIn(args: string): string[] {
  const found = args.matchAll(/(?:<([^<>]*)>, )?"([^"]*)"/g)
  return [...found].map(([, directory = '', path = '']) =>
    isAbsolute(path) ? path : `${directory}/${path}`,
  )
}
