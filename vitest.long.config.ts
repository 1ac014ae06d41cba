import { defineConfig } from 'vitest/config';

/** Many whole runs of the built-in guests: what takes too long for `npm test`, and needs no more than it does. */
export default defineConfig({
  test: {
    name: 'long',
    include: ['test/**/*.long.spec.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
