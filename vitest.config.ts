import { defineConfig } from 'vitest/config';

/** Unit specs, beside their sources. `npx vitest` watches these. */
export default defineConfig({
  test: {
    name: 'unit',
    include: ['**/*.spec.ts'],
    exclude: ['node_modules/**', 'dist/**', '.cache/**', 'test/**'],
    testTimeout: 20_000,
  },
});
