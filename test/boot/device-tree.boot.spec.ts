/** dtc as a second reader of both trees, ours and the real libxl's; test/oracle/device-tree.spec.ts compares them without it. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { buildGolden, GOLDEN_TREES } from '../oracle/support/build.js';
import { goldenConfig, goldenPath } from '../oracle/support/golden.js';

function dtc(args: readonly string[], input: Uint8Array): { output: Buffer; errors: string } {
  const run = spawnSync('dtc', args, { input });
  if (run.error !== undefined) throw new Error(`dtc is not there: ${run.error.message}`);
  const errors = run.stderr.toString();
  expect(run.status, errors).toBe(0);
  return { output: run.stdout, errors };
}

/** A flattened tree as dtc prints it, seed left out, and the warnings. */
function decompile(tree: Uint8Array): { source: string; warnings: string } {
  const { output, errors } = dtc(['-I', 'dtb', '-O', 'dts', '-'], tree);
  return { source: output.toString().replace(/rng-seed = <[^>]*>/, 'rng-seed'), warnings: errors };
}

test.each(Object.keys(GOLDEN_TREES))(
  "%s: dtc reads our tree as it reads the real one, with no other warnings than libxl's own",
  (name) => {
    const real = dtc(['-q', '-I', 'dts', '-O', 'dtb', goldenPath(`${name}.dts`)], new Uint8Array(0)).output;
    expect(decompile(buildGolden(goldenConfig(name)).dtb)).toEqual(decompile(real));
  },
);
