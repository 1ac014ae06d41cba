// Expected words: aarch64-linux-gnu-as 2.40.
import { expect, test } from 'vitest';
import { brk, daifclr, daifset, hvc, mov, mrs, msr, Program, smc, svc } from './a64.js';

// prettier-ignore
const EXPECTED = [
  '14000016', '97ffffff', '54000283', 'b4ffffa3', 'b5000244', 'd2800105', 'f2a24685', 'f2ffffe5',
  '91004041', 'f1000463', 'eb05009f', 'aa0703e6', '10fffe89', '1000012a', '8b030041', '8b060ca4',
  '8a090107', 'f9400441', 'f9000883', 'b94004c5', 'b9000d07', '39000d49', 'd4000021', 'd4000042',
  'd4000063', 'd4200080', 'd50342df', 'd5034fff', 'd53be043', 'd518c004',
];

test('instructions are those of the assembler', () => {
  const p = new Program(0x4000_0000);
  p.label('start').b('end').bl('start').bcond('lo', 'end').cbz(3, 'start').cbnz(4, 'end');
  p.mov(5, 0xffff_0000_1234_0008n).add(1, 2, 16).subs(3, 3, 1).cmp(4, 5).copy(6, 7);
  p.adr(9, 'start').adr(10, 'end').addr(1, 2, 3).addr(4, 5, 6, 3).and(7, 8, 9);
  p.ldr(1, 2, 8).str(3, 4, 16).ldrw(5, 6, 4).strw(7, 8, 12).strb(9, 10, 3).label('end');
  p.put(svc(1), hvc(2), smc(3), brk(4), daifset(2), daifclr(15), mrs(3, 'CNTVCT_EL0'), msr('VBAR_EL1', 4));
  expect(p.words().map((word) => word.toString(16))).toEqual(EXPECTED);
  expect(mov(0, 0)).toEqual([0xd280_0000]);
  expect([p.at('end'), p.here]).toEqual([0x4000_0000 + 4 * 22, 0x4000_0000 + 4 * EXPECTED.length]);
});
