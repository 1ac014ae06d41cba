import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Cross-cutting tests that need no guest images: conformance, differential, oracle, and the library as users import it. */
export default defineConfig({
  resolve: { alias: { 'rcar-sim': fileURLToPath(new URL('./index.ts', import.meta.url)) } },
  test: {
    name: 'system',
    include: ['test/{conformance,differential,library,oracle}/**/*.spec.ts'],
    testTimeout: 120_000,
    maxWorkers: 2,
    passWithNoTests: true,
  },
});
