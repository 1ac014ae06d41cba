import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { isElf, readElf } from './elf.js';

// Linked by GNU ld 2.40: .text at 0x40080000 (mov x0, #1; b .), .data at 0x40090000 (`counter: .quad 5`), .bss 0x100.
// readelf -lW: one LOAD, paddr 0x40080000, FileSiz 0x10008, MemSiz 0x10108, RWE; entry 0x40080000.
const elf = gunzipSync(
  Buffer.from(
    'H4sIAAAAAAACA+3TwYrTUBQA0Je0TjPgYgZciLNRGHQj3bgZXAVBYUAEvyB0bMGFTqWNMK6cld8zO+c7/Af/w7R5aWPaWhfuPAeSl3tz7+1r' +
      'ef368vWrNElCIw3fQx1l+eKex/xtuq7Jw1lVl4dBOFjWDqrrZvU2y9tr1kyLn9GPVW9/luOD8PeO4vowXP+olnsBAAAAAAAAAAAAAAAAAAAA' +
      'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACA/9qdPe+T1T3L2/l+zPc7+cPlvReycJh3Z/W2zKnz6aJz' +
      'S35zzkl1HS3yye/5u02+U/9gR/2zZX5zP4+r67i1nyzmhzvmP98x/8Uyn27Un++oD6dX4cN0+imcjkNRXMznxbwczcqiiNHkclw9v5t+viwn' +
      's3ZF9Vy/KybjUTkKi6ja7vzLx3J0Ua3lrF7fN0/l5KoMw2XtsJryj87RSTwlB6tM/bveNFGnvt+JH8X+3vokxf5ka3/SiZ/Emt7q8+r+26Yy' +
      '+XP/Ik63fK+m/zpZ/18Grf3cb5373pb+s7RufLNn/8c7+r/F/qd7+n8B3yUej3gEAQA=',
    'base64',
  ),
);

test('segments, entry and symbols agree with readelf', () => {
  const file = readElf(elf);
  expect(file.entry).toBe(0x40080000n);
  expect(file.type).toBe(2);
  expect(file.segments).toHaveLength(1);
  const segment = file.segments[0];
  expect(segment).toMatchObject({ physical: 0x40080000n, virtual: 0x40080000n, memorySize: 0x10108n, flags: 7 });
  expect(segment?.data.length).toBe(0x10008);
  expect([...(segment?.data.subarray(0, 4) ?? [])]).toEqual([0x20, 0x00, 0x80, 0xd2]); // mov x0, #1
  expect(file.symbols.find((symbol) => symbol.name === 'counter')).toEqual({
    name: 'counter',
    value: 0x40090000n,
    size: 8n,
    type: 1,
  });
  expect(file.symbols.find((symbol) => symbol.name === '_start')?.value).toBe(0x40080000n);
});

test('what is not an AArch64 executable is named', () => {
  expect(isElf(Buffer.from('MZ'))).toBe(false);
  expect(() => readElf(Buffer.from('hello'))).toThrow('elf: the file does not begin with 7f 45 4c 46');
  const damage = (at: number, value: number): Uint8Array => {
    const bytes = Uint8Array.from(elf);
    bytes[at] = value;
    return bytes;
  };
  expect(() => readElf(damage(4, 1))).toThrow('not a 64-bit file');
  expect(() => readElf(damage(18, 62))).toThrow('machine 62 is not AArch64');
  expect(() => readElf(damage(16, 1))).toThrow('type 1 is neither');
  expect(() => readElf(elf.subarray(0, 0x1000))).toThrow('segment 0 lies outside the file');
});
