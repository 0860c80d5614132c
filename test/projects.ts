/**
 * What a test needs decides the project that it runs in, and the end of its file's name says it:
 *
 *     NAME.test.ts           unit     nothing but our code, and files in temporary directories
 *     NAME.process.test.ts   process  starts processes (ours, `git`, `openssl`) or opens ports
 *     NAME.machine.test.ts   machine  more of the machine: systemd, a keychain, strace, a browser,
 *                                     Python, R, other shells, other users, disks, a clock of its own
 *     NAME.windows.test.ts   windows  Node and Python for Windows under Wine
 *     NAME.packages.test.ts  packages the packages for npm, pip and apt, as they are installed
 *
 * A single test that misses something is skipped and says what (`support/needs.ts`); with
 * EVO_TOKEN_TEST_ALL=1 it fails.
 */
export const PROJECTS = ['unit', 'process', 'machine', 'windows', 'packages'] as const

export type Project = (typeof PROJECTS)[number]

/** The files of a project, as patterns for the test runner. */
export function filesOf(project: Project): { include: string[]; exclude?: string[] } {
  if (project !== 'unit') return { include: [`test/**/*.${project}.test.ts`] }
  return { include: ['test/**/*.test.ts'], exclude: ['test/**/*.*.test.ts'] }
}

/** Files that take half a minute or more on two cores, the slowest first: they start before all others. */
export const SLOWEST = [
  'hosts/sharing.machine.test.ts',
  'systemd/broken-config.machine.test.ts',
  'hosts/bad-database.machine.test.ts',
  'hosts/words.machine.test.ts',
  'openapi-fuzz.machine.test.ts',
  'model.machine.test.ts',
  'cli/completion.machine.test.ts',
  'systemd/service-command.machine.test.ts',
  'activity.process.test.ts',
  'examples.machine.test.ts',
  'keychain.machine.test.ts',
  'web/page.machine.test.ts',
  'hosts/failover.machine.test.ts',
  'cli.process.test.ts',
  'status.machine.test.ts',
  'python/adapters.machine.test.ts',
]
