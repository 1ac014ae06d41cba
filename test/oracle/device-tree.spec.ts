import { describe, expect, test } from 'vitest';
import { buildGolden, GOLDEN_TREES } from './support/build.js';
import { dtbLines, dtsLines, maskSeed } from './support/dts.js';
import { goldenConfig, goldenText } from './support/golden.js';

describe.each(Object.entries(GOLDEN_TREES))('%s', (name, address) => {
  const built = buildGolden(goldenConfig(name));

  test("nodes, properties, their order and values are the real libxl's", () => {
    expect(maskSeed(dtbLines(built.dtb))).toEqual(maskSeed(dtsLines(goldenText(`${name}.dts`))));
  });

  test('the first vCPU starts at the kernel with the tree in x0', () => {
    expect({ pc: built.pc, x0: built.x0 }).toEqual({ pc: 0x4000_0000, x0: address });
  });
});
