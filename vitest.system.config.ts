import { defineConfig } from 'vitest/config';

/** Cross-cutting tests that need no guest images: conformance, differential, oracle, whole runs of the built-in guest. */
export default defineConfig({
  test: {
    name: 'system',
    include: ['test/**/*.spec.ts'],
    exclude: ['test/boot/**', 'test/pages/**', 'test/**/*.long.spec.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    passWithNoTests: true,
  },
});
