import { defineConfig } from 'vitest/config';

/** What people look at, in the program that they look at it with: Chromium, from the PATH or $CHROMIUM. */
export default defineConfig({
  test: {
    name: 'pages',
    include: ['test/pages/**/*.pages.spec.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    sequence: { concurrent: false },
  },
});
