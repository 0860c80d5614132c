import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The real servers, keychains and child processes of some tests take seconds, not milliseconds.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
