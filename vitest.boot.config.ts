import { defineConfig } from 'vitest/config';

/** Whole boots of unmodified kernels, one at a time. They need the kernels of `npm run guest`. */
export default defineConfig({
  test: {
    name: 'boot',
    include: ['test/boot/**/*.boot.spec.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    sequence: { concurrent: false },
    passWithNoTests: true,
  },
});
