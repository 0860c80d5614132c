/**
 * A freshly booted systemd for tests (`with-systemd` beside this file), with the built program
 * installed as a machine has it: its production packages alone, its command on systemd's own path.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { missingCommands } from './needs.ts'

const ROOT = join(import.meta.dirname, '../..')
const WITH_SYSTEMD = join(import.meta.dirname, 'with-systemd')

/** The machine's root, as the booted system sees it. */
export const MACHINE = '/mnt/host'

export interface BootedSystem extends AsyncDisposable {
  /** What `script` prints, run by root's shell inside. Rejects where it fails, with what it said. */
  readonly sh: (script: string, input?: string) => Promise<string>
  /** Makes `path` with this content, readable to all. */
  write(path: string, content: string): Promise<void>
  /** Until it has booted again. What was written stays, but in /tmp, /run and /dev; all processes are gone. */
  reboot(): Promise<void>
}

/** What `with-systemd` does first, and a container may not be allowed to. */
const MOUNTS = `mount -t tmpfs tmpfs /mnt && mkdir /mnt/up /mnt/work /mnt/root
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work /mnt/root
  mount -t cgroup2 cgroup2 /mnt/root/mnt`

/** Why no systemd can be booted here; undefined where one can. */
export function noSystemd(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'booting systemd takes root'
  const missing = missingCommands('systemctl', 'unshare', 'nsenter', 'setpriv', 'pgrep', 'useradd')
  if (missing !== undefined) return missing
  const namespaces = ['--pid', '--mount', '--fork', '--cgroup', '--uts', '--ipc']
  const { status } = spawnSync('unshare', [...namespaces, 'sh', '-ec', MOUNTS])
  return status === 0 ? undefined : 'this container may not boot another system'
}

/** Why no person can have a systemd of their own there. */
export function noUserManager(): string | undefined {
  const missing = noSystemd() ?? missingCommands('dbus-daemon', 'loginctl', 'runuser')
  if (missing !== undefined) return missing
  return missingLibrary('security/pam_systemd.so')
}

/** Why a booted system has no directory of users and groups besides its files. */
export function noUserDirectory(): string | undefined {
  return noSystemd() ?? missingLibrary('libnss_systemd.so.2')
}

function missingLibrary(name: string): string | undefined {
  const { status } = spawnSync('sh', ['-c', `ls /usr/lib/*/${name}`])
  return status === 0 ? undefined : `not installed: ${name}`
}

export async function bootSystemd(): Promise<BootedSystem> {
  // It lives as long as a process holds the other end of its stdin.
  const child = spawn(WITH_SYSTEMD, ['--hold'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  const said = text(child.stderr)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const booted = async () => {
    const line = await lines.next()
    if (line.done) throw new Error(`no systemd was booted: ${await said}`)
    return line.value
  }
  let pid = await booted()
  const sh = (script: string, input = '') => shell(pid, script, input)
  return {
    sh,
    async write(path, content) {
      await sh(`umask 022 && mkdir -p "$(dirname '${path}')" && cat >'${path}'`, content)
    },
    async reboot() {
      child.stdin.write('reboot\n')
      pid = await booted()
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}

/** `evo-token`, and the Node that runs this test, where a machine's packages are. */
export async function installProgram({ sh }: BootedSystem): Promise<void> {
  const home = '/usr/local/lib/node_modules/evo-token-sidecar'
  await sh(
    `umask 022
    mkdir -p ${home} && cd ${MACHINE}${ROOT}
    cp -r package.json dist systemd ${home}
    chmod -R go=rX ${home} && chmod 755 ${home}/dist/main.js
    cd /usr/local/bin
    rm -f node evo-token
    cp ${MACHINE}${process.execPath} node
    ln -s ${home}/dist/main.js evo-token`,
  )
}

async function shell(pid: string, script: string, input: string): Promise<string> {
  const child = spawn(
    'nsenter',
    ['-t', pid, '-m', '-p', '-u', '-i', 'sh', '-ec', `cd / && ${script}`],
    { env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' } },
  )
  // A script that does not read may be gone before we have written.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  if (code !== 0) throw new Error(`it ended with ${String(code)}: ${script}\n${stdout}${stderr}`)
  return stdout
}
