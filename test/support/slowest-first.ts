/**
 * In which order the files of the tests start: what takes long first, so that no worker has it left
 * when the others are done. The runner itself knows that only where it ran before, which in CI it did not.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { SLOWEST } from '../projects.ts'

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || rank(a) - rank(b))
  }
}

function groupOf({ project }: TestSpecification): number {
  return project.config.sequence.groupOrder
}

function rank({ moduleId }: TestSpecification): number {
  const found = SLOWEST.findIndex((path) => moduleId.endsWith(`/test/${path}`))
  return found < 0 ? SLOWEST.length : found
}
