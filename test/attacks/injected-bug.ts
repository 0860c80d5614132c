/**
 * A module for `node --import`: a bug in the real daemon, which knows every live secret and, on SIGUSR2,
 * lets them go in the way that the environment variable BUG names. The test learns them from a file.
 */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { MAIN } from '../support/daemon-process.ts'

export const BUGS = {
  'an exception': 'throw new SyntaxError(`whole: ${secrets}, near ${pieces}`)',
  'an exception below others':
    'throw new Error("a", { cause: new AggregateError([new Error(secrets[0])], pieces[1]) })',
  'a rejection': 'Promise.reject(new Error(`whole: ${secrets} or ${pieces}`))',
  'a rejection with no error': 'Promise.reject(`whole: ${secrets}`)',
  'a report, and a warning':
    'writeFileSync(process.env.REPORT, JSON.stringify(process.report.getReport())); process.emitWarning(`whole: ${secrets}, ${pieces}`)',
  'a crash': 'process.abort()',
} as const satisfies Readonly<Record<string, string>>

export interface Injected {
  /** What makes Node load it. */
  readonly nodeOptions: string
  /** Where it writes the secrets, as JSON, before anything else. */
  readonly secretsFile: string
}

export function injectBug(bug: keyof typeof BUGS, directory: string): Injected {
  const secretsFile = join(directory, 'secrets.json')
  const module = join(directory, 'bug.mjs')
  writeFileSync(
    module,
    `
import { writeFileSync } from 'node:fs'
import { liveSecrets } from '${join(dirname(MAIN), 'daemon.mjs')}'
process.on('SIGUSR2', () => {
  const secrets = [...liveSecrets()].map((secret) => secret.expose())
  const pieces = secrets.map((secret) => secret.slice(-18))
  writeFileSync('${secretsFile}', JSON.stringify(secrets))
  ${BUGS[bug]}
})
`,
  )
  return { nodeOptions: `--import ${module}`, secretsFile }
}
