/** Who gets which access key on a node of a JupyterHub or a cluster: with real users, a real daemon, and sudo itself. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { noDaemonOfNobody } from './attacks/as-nobody.ts'
import { seededHome } from './faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { type DaemonProcess, type Home, startDaemonProcess } from './support/daemon-process.ts'
import { itNeeds, missingCommands } from './support/needs.ts'

const ROOT = join(import.meta.dirname, '..')
const missing = noDaemonOfNobody()
const it = itNeeds(missing)

let server: RunningAuthorizationServer
let home: Home
let daemon: DaemonProcess

beforeAll(async () => {
  server = await startAuthorizationServer()
  home = await seededHome(server, { apps: { 'evo-daemon': 'fresh', 'evo-games': 'fresh' } })
  daemon = await startDaemonProcess(home)
  // As /run is.
  await chmod(home.directory, 0o755)
})

afterAll(async () => {
  await daemon.stop('SIGKILL')
  await home.remove()
  await server.close()
})

/**
 * A node, in a mount namespace of its own: the daemon at the socket of a machine's service, and the programs of the
 * examples where they are installed. Node and the checkout are where every user can open them.
 */
const NODE = `
cd /
mount --bind '${ROOT}' /mnt
mount --bind "$(dirname "$NODE")" /media
mkdir -p "$HOME_DIRECTORY/sbin" "$HOME_DIRECTORY/sudoers"
chmod 0755 "$HOME_DIRECTORY/sbin"
printf '#!/bin/sh\\nexec "/media/%s" /mnt/dist/main.js "$@"\\n' "$(basename "$NODE")" > "$HOME_DIRECTORY/sbin/evo-token"
install -m 0755 /mnt/examples/jupyterhub/evo-token-user-key /mnt/examples/jupyterhub/evo-token-notebook "$HOME_DIRECTORY/sbin"
chmod 0755 "$HOME_DIRECTORY/sbin/evo-token"
install -m 0440 /mnt/examples/jupyterhub/evo-token.sudoers "$HOME_DIRECTORY/sudoers/evo-token"
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/evo-token
mount --bind "$HOME_DIRECTORY/run" /run/evo-token
mount --bind "$HOME_DIRECTORY/sbin" /usr/local/sbin
if test -d /etc/sudoers.d; then mount --bind "$HOME_DIRECTORY/sudoers" /etc/sudoers.d; fi
as() { user=$1; shift; runuser -u "$user" -- env -i PATH="/usr/local/sbin:$PATH" HOME=/nonexistent LC_ALL=C "$@"; }
# Asks with a key over TCP, as a program of that user.
ask() { user=$1 caller=$2 file=$3; shift 3; as "$user" EVO_TOKEN_URL="$URL" EVO_TOKEN_CALLER="$caller" EVO_TOKEN_KEY_FILE="$file" evo-token "$@"; }
export PATH="/usr/local/sbin:$PATH"
`

async function onNode(script: string) {
  const env = {
    PATH: process.env.PATH,
    LC_ALL: 'C',
    HOME: '/nonexistent',
    HOME_DIRECTORY: home.directory,
    NODE: process.execPath,
    URL: daemon.url,
  }
  const child = spawn('unshare', ['--mount', 'sh', '-ec', `${NODE}\n${script}`], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}

describe('a user of a JupyterHub node', () => {
  const itWithSudo = itNeeds(missing ?? missingCommands('sudo', 'visudo'))
  const KEY = 'as daemon sudo -n /usr/local/sbin/evo-token-user-key >/dev/null 2>&1'

  itWithSudo('gets a token of their own app with the key that sudo made', async () => {
    const { code, stdout, stderr } = await onNode(
      `${KEY}
      stat -c '%a %U' /run/evo-token-keys /run/evo-token-keys/daemon
      ask daemon user-daemon /run/evo-token-keys/daemon get evo-daemon`,
    )
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^711 root\n600 daemon\n\S+\n$/)
  })

  itWithSudo('gets no other app with it', async () => {
    const { stdout } = await onNode(
      `${KEY}
      ask daemon user-daemon /run/evo-token-keys/daemon get evo-games || echo "code $?"`,
    )
    expect(stdout).toBe('code 6\n')
  })

  itWithSudo("can neither read nor ask for another user's key", async () => {
    const { stdout, stderr } = await onNode(
      `${KEY}
      as games cat /run/evo-token-keys/daemon || echo closed
      as games sudo -n /usr/local/sbin/evo-token-user-key daemon || echo refused
      as games ls /run/evo-token-keys || echo unseen
      as games touch /run/evo-token-keys/planted || echo unwritable`,
    )
    expect(stdout, stderr).toBe('closed\nrefused\nunseen\nunwritable\n')
  })

  itWithSudo('keeps the key as long as it works, and gets another one then', async () => {
    const { stdout, stderr, code } = await onNode(
      `${KEY}
      cp /run/evo-token-keys/daemon /run/first
      ${KEY}
      cmp /run/first /run/evo-token-keys/daemon && echo kept
      evo-token caller remove user-daemon 2>/dev/null >&2
      ${KEY}
      cmp -s /run/first /run/evo-token-keys/daemon || echo another`,
    )
    expect(code, stderr).toBe(0)
    expect(stdout).toBe('kept\nanother\n')
  })

  itWithSudo('has a server also where there is no app for them', async () => {
    const { stdout, stderr } = await onNode(
      `as nobody /usr/local/sbin/evo-token-notebook echo the server runs`,
    )
    expect(stdout).toBe('the server runs\n')
    expect(stderr).toContain('evo-nobody')
  })

  it('cannot have an app named by a user name that is no name', async () => {
    const { stdout } = await onNode(
      `for name in '../x' '-x' 'Ada' 'a b' ''; do evo-token-user-key "$name" 2>/dev/null || echo "$?"; done`,
    )
    expect(stdout).toBe('2\n2\n2\n2\n2\n')
  })
})

describe('a job of a cluster', () => {
  const SLURM = '/mnt/examples/slurm'
  const job = (user: string) =>
    `SLURM_JOB_ID=7 SLURM_JOB_USER=${user} SLURM_JOB_UID=$(id -u ${user})`

  it('has what its programs need, and no key once it has ended', async () => {
    const { code, stdout, stderr } = await onNode(
      `env ${job('daemon')} ${SLURM}/prolog.sh
      stat -c '%a %U' /run/evo-token-jobs/7
      as daemon SLURM_JOB_ID=7 ${SLURM}/task-prolog.sh
      ask daemon job-7 /run/evo-token-jobs/7 get evo-daemon | tail -c 1 | od -An -c
      as games cat /run/evo-token-jobs/7 2>/dev/null || echo closed
      cp -p /run/evo-token-jobs/7 /run/kept
      env ${job('daemon')} ${SLURM}/epilog.sh
      test -e /run/evo-token-jobs/7 || echo gone
      ask daemon job-7 /run/kept get evo-daemon 2>/dev/null || echo "code $?"`,
    )
    expect(code, stderr).toBe(0)
    expect(stdout.split('\n')).toEqual([
      '600 daemon',
      'export EVO_TOKEN_URL=http://127.0.0.1:13860',
      'export EVO_TOKEN_APP=evo-daemon',
      'export EVO_TOKEN_CALLER=job-7',
      'export EVO_TOKEN_KEY_FILE=/run/evo-token-jobs/7',
      '  \\n',
      'closed',
      'gone',
      'code 6',
      '',
    ])
  })

  it('runs without a key where its user has no app, or the reader is down', async () => {
    const { code, stdout, stderr } = await onNode(
      `env ${job('nobody')} ${SLURM}/prolog.sh
      as nobody SLURM_JOB_ID=7 ${SLURM}/task-prolog.sh
      umount /run/evo-token
      env ${job('daemon')} ${SLURM}/prolog.sh
      as daemon SLURM_JOB_ID=7 ${SLURM}/task-prolog.sh
      env ${job('daemon')} ${SLURM}/epilog.sh`,
    )
    expect(code, stderr).toBe(0)
    expect(stdout).toBe('')
  })

  it('gets a new key when it is started again on the node', async () => {
    const { code, stdout, stderr } = await onNode(
      `env ${job('daemon')} ${SLURM}/prolog.sh
      cp /run/evo-token-jobs/7 /run/first
      env ${job('daemon')} ${SLURM}/prolog.sh
      cmp -s /run/first /run/evo-token-jobs/7 || echo another
      ask daemon job-7 /run/evo-token-jobs/7 get evo-daemon >/dev/null && echo works`,
    )
    expect(code, stderr).toBe(0)
    expect(stdout).toBe('another\nworks\n')
  })
})
