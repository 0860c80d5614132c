import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Most of a test's time is waiting for other processes: a core less would be half of two.
    maxWorkers: '100%',
    // The real servers, keychains and child processes of some tests take seconds, not milliseconds.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
