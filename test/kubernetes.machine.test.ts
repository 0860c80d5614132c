/** The manifests of the examples: Kubernetes takes them, and they give a container no more than it needs. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { itNeeds } from './support/needs.ts'

const ROOT = join(import.meta.dirname, '..')
const PYTHON = process.env.EVO_TOKEN_PYTHON ?? ''
const MANIFESTS = ['secrets', 'keepers', 'reader'].map((name) =>
  join(ROOT, `examples/kubernetes/${name}.yaml`),
)
/** The oldest that the example promises, and the newest that the tool knows. */
const OLDEST = '1.29.0'
const NEWEST = '1.37.0'

/** Validates as strictly as the tool can: a field that Kubernetes does not know is a fault. Prints the documents. */
const VALIDATE = `
import json, sys, kubernetes_validate, yaml
version, *files = sys.argv[1:]
documents = [document for file in files for document in yaml.safe_load_all(open(file))]
for document in documents:
    kubernetes_validate.validate(document, version, strict=True)
print(json.dumps(documents))`

function missing(): string | undefined {
  if (!PYTHON) return 'EVO_TOKEN_PYTHON names no Python with clients/python/requirements-test.txt'
  const { status } = python('-c', 'import kubernetes_validate')
  return status === 0 ? undefined : `${PYTHON} has no kubernetes-validate`
}

function python(...args: readonly string[]) {
  return spawnSync(PYTHON, args, { encoding: 'utf8' })
}

function validate(version: string, files: readonly string[]) {
  return python('-c', VALIDATE, version, ...files)
}

interface Container {
  readonly name: string
  readonly image: string
  readonly securityContext?: object
  readonly volumeMounts?: readonly { readonly name: string; readonly subPath?: string }[]
}

interface Volume {
  readonly name: string
  readonly secret?: { readonly secretName: string }
  readonly configMap?: { readonly name: string }
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly stringData?: Readonly<Record<string, string>>
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly template: {
      readonly spec: {
        readonly automountServiceAccountToken: boolean
        readonly securityContext: object
        readonly volumes: readonly Volume[]
        readonly containers: readonly Container[]
        readonly initContainers?: readonly Container[]
      }
    }
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
  }
}

function manifests(): readonly Manifest[] {
  const { stdout, stderr } = validate(NEWEST, MANIFESTS)
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Manifest[]
}

function podsOf(documents: readonly Manifest[]) {
  return documents.flatMap(({ metadata, spec }) => {
    if (!spec) return []
    const { template, volumeClaimTemplates = [] } = spec
    const pod = template.spec
    const containers = [...pod.containers, ...(pod.initContainers ?? [])]
    const claims = volumeClaimTemplates.map((claim) => claim.metadata.name)
    return [{ name: metadata.name, pod, containers, claims }]
  })
}

describe('the manifests of examples/kubernetes', () => {
  const itValidates = itNeeds(missing())

  for (const version of [OLDEST, NEWEST]) {
    itValidates(`fit the schemas of Kubernetes ${version}`, () => {
      expect(validate(version, MANIFESTS)).toMatchObject({ status: 0, stderr: '' })
    })
  }

  itValidates('run nothing as root, and let nothing write to its image or gain rights', () => {
    const pods = podsOf(manifests())
    expect(pods.map(({ name }) => name)).toEqual(['evo-keeper', 'job'])
    for (const { pod, containers } of pods) {
      expect(pod.automountServiceAccountToken).toBe(false)
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      for (const { securityContext } of containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      }
    }
  })

  itValidates('mount what they define', () => {
    const documents = manifests()
    const find = (kind: string, name: string | undefined) =>
      documents.find((document) => document.kind === kind && document.metadata.name === name)
    for (const { pod, containers, claims } of podsOf(documents)) {
      for (const { volumeMounts = [] } of containers) {
        for (const { name, subPath } of volumeMounts) {
          const volume = pod.volumes.find((one) => one.name === name)
          if (!volume) expect(claims).toContain(name)
          const { secret, configMap } = volume ?? {}
          if (configMap)
            expect(find('ConfigMap', configMap.name)?.data).toHaveProperty(['config.json'])
          if (!secret) continue
          const { stringData = {} } = find('Secret', secret.secretName) ?? {}
          expect(Object.keys(stringData)).toContain(subPath ?? 'db-password')
        }
      }
    }
  })

  itValidates("show a job nothing of its reader's but an access key", () => {
    const [job] = podsOf(manifests())
      .flatMap(({ pod }) => pod.containers)
      .filter(({ name }) => name === 'job')
    expect(job?.volumeMounts).toEqual([
      { name: 'key', mountPath: '/run/evo-token-key', readOnly: true },
    ])
  })

  itValidates('hold no secret', () => {
    for (const { kind, stringData = {} } of manifests()) {
      if (kind !== 'Secret') continue
      expect(new Set(Object.values(stringData))).toEqual(new Set(['REPLACE_ME']))
    }
  })
})
