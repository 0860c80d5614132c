import { availableParallelism } from 'node:os'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { filesOf, type Project } from './test/projects.ts'
import { SlowestFirst } from './test/support/slowest-first.ts'

function project(
  name: Project,
  settings: TestProjectInlineConfiguration['test'],
): TestProjectInlineConfiguration {
  return { extends: true, test: { name, ...filesOf(name), ...settings } }
}

/** They wait for other processes most of the time: with one worker for each core, the cores would rest. */
const WAITING = {
  globalSetup: 'test/support/build.ts',
  maxWorkers: 2 * availableParallelism(),
  sequence: { groupOrder: 1 },
}

export default defineConfig({
  test: {
    // The real servers, keychains and child processes of some tests take seconds, not milliseconds.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { sequencer: SlowestFirst },
    projects: [
      project('unit', {
        setupFiles: 'test/support/unit-only.ts',
        maxWorkers: availableParallelism(),
        // They share no state: each worker loads each module once.
        pool: 'threads',
        isolate: false,
      }),
      project('process', WAITING),
      // Several daemons and servers for each test: where the machine is busy, a test takes minutes.
      project('machine', { ...WAITING, testTimeout: 240_000, hookTimeout: 240_000 }),
      // Wine takes long to start a process: with more of them at once, each takes longer.
      project('windows', {
        ...WAITING,
        sequence: { groupOrder: 2 },
        testTimeout: 240_000,
        hookTimeout: 300_000,
        maxWorkers: 2,
      }),
      project('packages', {
        ...WAITING,
        globalSetup: 'test/support/packages.ts',
        sequence: { groupOrder: 3 },
        testTimeout: 240_000,
        hookTimeout: 240_000,
      }),
    ],
  },
})
