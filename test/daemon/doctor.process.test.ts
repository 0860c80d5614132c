import { expect, it } from 'vitest'
import { createDoctor } from '../../src/daemon/doctor.ts'

it('that cannot be started says so each time, and does not count as one that runs', async () => {
  const startDoctor = createDoctor({
    // More than the kernel passes on to a program.
    env: { TOO_LONG: 'x'.repeat(200_000) },
    configPath: undefined,
    stateDir: '/nowhere',
    socket: () => undefined,
  })
  for (let attempt = 0; attempt < 2; attempt++) {
    const running = startDoctor(new AbortController().signal)
    await expect(running).rejects.toMatchObject({
      code: 'unavailable',
      message: 'doctor cannot be run: E2BIG.',
    })
  }
})
