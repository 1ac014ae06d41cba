import { defineConfig } from 'vitest/config';

/** Whole boots of unmodified kernels; they need the images of `npm run guest`. One at a time: each takes a gigabyte. */
export default defineConfig({
  test: {
    name: 'boot',
    include: ['test/boot/**/*.spec.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    passWithNoTests: true,
  },
});
