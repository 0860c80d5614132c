/** The configs of examples/jupyterhub, as JupyterHub's own spawners take them. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect } from 'vitest'
import { itNeeds } from './support/needs.ts'

const ROOT = join(import.meta.dirname, '..')
const PYTHON = process.env.EVO_TOKEN_PYTHON ?? ''

function missing(): string | undefined {
  if (!PYTHON) return 'EVO_TOKEN_PYTHON names no Python with clients/python/requirements-test.txt'
  const { status } = spawnSync(PYTHON, ['-c', 'import kubespawner, kubernetes_validate'])
  return status === 0 ? undefined : `${PYTHON} has no jupyterhub-kubespawner`
}

interface Container {
  readonly name: string
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

interface Pod {
  readonly containers: readonly Container[]
  readonly volumes: readonly { readonly name: string; readonly secret?: object }[]
}

interface Spawned {
  readonly environment: Readonly<Record<string, string>>
  readonly cmd: readonly string[]
  /** Of ada, a member of the group that has readers, and of bob, who is none. */
  readonly member: Pod
  readonly other: Pod
}

const why = missing()
const itSpawns = itNeeds(why)
let spawned: Spawned

beforeAll(() => {
  if (why !== undefined) return
  const script = join(ROOT, 'test/examples/spawned.py')
  const args = [script, join(ROOT, 'examples/jupyterhub'), '1.37.0']
  const { stdout, stderr } = spawnSync(PYTHON, args, { encoding: 'utf8' })
  expect(stdout, stderr).not.toBe('')
  spawned = JSON.parse(stdout) as Spawned
}, 60_000)

describe('a server on a node', () => {
  itSpawns("is told where its user's key is, and holds no key itself", () => {
    expect(spawned.environment).toEqual({
      EVO_TOKEN_APP: 'evo-daemon',
      EVO_TOKEN_CALLER: 'user-daemon',
      EVO_TOKEN_KEY_FILE: '/run/evo-token-keys/daemon',
      EVO_TOKEN_URL: 'http://127.0.0.1:13860',
    })
    expect(spawned.cmd).toEqual(['/usr/local/bin/evo-token-notebook', 'jupyterhub-singleuser'])
  })
})

describe("a user's pod", () => {
  const containersOf = ({ containers }: Pod) => containers.map(({ name }) => name)
  const mountsOf = (pod: Pod, container: string) =>
    pod.containers
      .find(({ name }) => name === container)
      ?.volumeMounts?.filter(({ name }) => name.startsWith('evo-'))
      .map(({ name }) => name)

  itSpawns('shows the notebook a key, and its Secret to the reader alone', () => {
    const { member } = spawned
    expect(containersOf(member)).toEqual(['notebook', 'evo-token'])
    expect(mountsOf(member, 'notebook')).toEqual(['evo-key'])
    expect(mountsOf(member, 'evo-token')).toEqual(['evo-secret', 'evo-state', 'evo-key'])
    expect(member.volumes.find(({ name }) => name === 'evo-secret')?.secret).toMatchObject({
      secretName: 'evo-reader-ada',
    })
  })

  itSpawns('has the app of that user', () => {
    const { env = [] } = spawned.member.containers[0] ?? {}
    expect(env).toContainEqual({ name: 'EVO_TOKEN_APP', value: 'evo-ada' })
    expect(JSON.stringify(spawned.member)).toContain('caller add notebook --app evo-ada ')
  })

  itSpawns('has no reader where the user is not to have one', () => {
    expect(containersOf(spawned.other)).toEqual(['notebook'])
    expect(JSON.stringify(spawned.other)).not.toContain('evo-reader')
  })
})
