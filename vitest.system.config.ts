import { defineConfig } from 'vitest/config';

/** Cross-cutting tests that need no guest images: conformance, differential and oracle. */
export default defineConfig({
  test: {
    name: 'system',
    include: ['test/{conformance,differential,oracle}/**/*.spec.ts'],
    testTimeout: 120_000,
    maxWorkers: 2,
    passWithNoTests: true,
  },
});
