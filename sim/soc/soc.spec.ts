// Expected values: R-Car Gen3 hardware manual; sequences of linux: drivers/clk/renesas, drivers/pmdomain/renesas,
// drivers/pinctrl/renesas, drivers/gpio/gpio-rcar.c, drivers/irqchip/irq-renesas-irqc.c.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flatBoard } from '../../boards/flat.js';
import { rcarH3 } from '../../boards/rcar-h3.js';
import type { BlockData } from '../../boards/schema.js';
import type { MmioDevice } from '../machine/device.js';
import { EventQueue } from '../machine/event-queue.js';
import { createBlock } from './blocks.js';
import type { CpgMssr } from './cpg-mssr.js';
import type { Gpio } from './gpio.js';
import type { IntcEx } from './intc-ex.js';

const EXTRA: readonly BlockData[] = [
  { kind: 'pl031', name: 'rtc', base: 0x0901_0000, size: 0x1000, intid: 34 },
  { kind: 'stub', name: 'hole', base: 0x0a00_0000, size: 0x1000 },
];

function bench() {
  const errors: string[] = [];
  const lines: Record<string, boolean> = {};
  const queue = new EventQueue({ tickHz: 5_990_400_000, ticksPerCount: 720 });
  const deps = {
    clock: queue,
    errors: { report: (kind: string) => void errors.push(kind) },
    irq: (intid: number) => ({ name: `spi${intid - 32}`, set: (level: boolean) => void (lines[intid] = level) }),
    epoch: 1_700_000_000,
  };
  const devices = [...rcarH3().blocks, ...EXTRA].map((block) => createBlock(block, deps));
  return {
    errors,
    lines,
    queue,
    devices,
    named: <D extends MmioDevice>(name: string) => devices.find((device) => device.name === name) as D,
  };
}
const r = (device: MmioDevice, offset: number) => device.read(offset, 4, 0);
const w = (device: MmioDevice, offset: number, value: number) => device.write(offset, 4, value, 0, 0);

test('PRR and MODEMR show what the board says, and cannot be written', () => {
  const { named } = bench();
  w(named('prr'), 0, 0);
  expect(r(named('prr'), 0)).toBe(0x4f20); // H3 ES3.0
  w(named('rst'), 0x60, 5);
  expect(r(named('rst'), 0x60)).toBe(0);
});

test('a module clock is enabled and gated: MSTPSR follows SMSTPCR', () => {
  const cpg = bench().named<CpgMssr>('cpg');
  expect([cpg.isStopped(310), cpg.isStopped(408), cpg.isStopped(314)]).toEqual([false, false, true]);
  w(cpg, 0x13c, r(cpg, 0x13c) | (1 << 10));
  expect((r(cpg, 0x048) >>> 10) & 1).toBe(1);
  w(cpg, 0x13c, r(cpg, 0x13c) & ~(1 << 10));
  expect((r(cpg, 0x048) >>> 10) & 1).toBe(0);
  w(cpg, 0x99c, 0); // the twelfth register of each array
  expect(r(cpg, 0x9ac)).toBe(0);
});

test('software reset: SRCR asserts, SRSTCLR releases', () => {
  const cpg = bench().named<CpgMssr>('cpg');
  w(cpg, 0x0b8, 1 << 10);
  w(cpg, 0x0b8, 1 << 14);
  expect([r(cpg, 0x0b8), cpg.isInReset(310)]).toEqual([(1 << 10) | (1 << 14), true]);
  w(cpg, 0x94c, 1 << 10);
  expect([r(cpg, 0x0b8), r(cpg, 0x94c)]).toEqual([1 << 14, 0]);
});

test('PLL multipliers and the self-clearing kick', () => {
  const cpg = bench().named<CpgMssr>('cpg');
  const multiplier = (offset: number) => (((r(cpg, offset) >>> 24) & 0x7f) + 1) * 2;
  expect([multiplier(0x0d8), multiplier(0x02c), multiplier(0x1f4)]).toEqual([180, 144, 144]);
  w(cpg, 0x004, 0x8100_0000);
  expect(r(cpg, 0x004)).toBe(0x0100_0000);
});

test('SYSC: every domain is on; the off and on sequences of a2vc1 complete', () => {
  const sysc = bench().named('sysc');
  for (const at of [0x80, 0x100, 0x140, 0x180, 0x1c0, 0x200, 0x240, 0x340, 0x380, 0x3c0]) {
    expect(r(sysc, at) & 0x1f & (at === 0x100 ? 0x1f : 0xf)).toBe(0); // no off flag
  }
  expect([r(sysc, 0x080), r(sysc, 0x3c0)]).toEqual([0xf0, 0x20]);
  expect(r(sysc, 0)).toBe(3);
  for (const [request, status] of [
    [0x3c4, 0x02],
    [0x3cc, 0x20],
  ] as const) {
    w(sysc, 0x008, 1 << 26);
    w(sysc, request, 1 << 1);
    expect([r(sysc, 0x3d4), r(sysc, 0x004), r(sysc, 0x3c0)]).toEqual([0, 1 << 26, status]);
  }
});

test('PFC takes a write only after its complement in PMMR', () => {
  const { named, errors } = bench();
  const pfc = named('pfc');
  w(pfc, 0x104, 0x1234);
  expect([r(pfc, 0x104), errors]).toEqual([0, ['locked-write']]);
  w(pfc, 0x000, ~0x1234);
  w(pfc, 0x104, 0x1234);
  w(pfc, 0x108, 0x1234); // the permission was for one write
  expect([r(pfc, 0x104), r(pfc, 0x108), errors.length]).toEqual([0x1234, 0, 2]);
});

test('GPIO: pulled-up inputs, outputs read back, edge and level interrupts', () => {
  const { named, lines } = bench();
  const gpio = named<Gpio>('gpio3'); // 16 pins
  expect(r(gpio, 0x0c)).toBe(0xffff);
  w(gpio, 0x04, 0x3);
  w(gpio, 0x08, 0x1);
  expect(r(gpio, 0x0c)).toBe(0xfffd);
  w(gpio, 0x00, 1 << 12);
  w(gpio, 0x20, 1 << 12); // falling
  w(gpio, 0x24, 1 << 12); // edge
  w(gpio, 0x1c, 1 << 12);
  expect(r(gpio, 0x18)).toBe(1 << 12);
  gpio.setInput(12, false);
  expect([r(gpio, 0x10), lines[39]]).toEqual([1 << 12, true]);
  w(gpio, 0x14, 1 << 12);
  expect(lines[39]).toBe(false);
  w(gpio, 0x24, 0); // level, active low
  expect(lines[39]).toBe(true);
  w(gpio, 0x18, ~(1 << 12));
  expect(lines[39]).toBe(false);
});

test('INTC-EX: a low level on IRQ0 raises SPI 0 while it is enabled', () => {
  const { named, lines } = bench();
  const intc = named<IntcEx>('intc-ex');
  intc.setPin(0, true);
  w(intc, 0x180, 1); // low level
  w(intc, 0x008, 1);
  expect(lines[32]).toBe(false);
  intc.setPin(0, false);
  expect([lines[32], r(intc, 0x000), r(intc, 0x100)]).toEqual([true, 1, 1]);
  w(intc, 0x004, 1);
  expect([lines[32], r(intc, 0x000)]).toEqual([false, 0]);
  w(intc, 0x184, 8); // IRQ1: rising edge
  intc.setPin(1, true);
  w(intc, 0x008, 2);
  expect(lines[33]).toBe(true);
  w(intc, 0x100, 2);
  expect(lines[33]).toBe(false);
});

test('the watchdog wants its code words and says that it does not count', () => {
  const { named, errors } = bench();
  const rwdt = named('rwdt');
  w(rwdt, 0x0, 0x5a5a_1234);
  w(rwdt, 0x4, 0xa5a5_a507);
  expect([rwdt.read(0, 2, 0), rwdt.read(4, 1, 0)]).toEqual([0x1234, 7]);
  w(rwdt, 0x4, 7);
  w(rwdt, 0x4, 0xa5a5_a587);
  expect(errors).toEqual(['bad-code-word', 'watchdog-started']);
});

test('system counter and real-time clock follow simulated time', () => {
  const { named, queue, lines } = bench();
  w(named('rtc'), 0x04, 1_700_000_003);
  w(named('rtc'), 0x10, 1);
  queue.dispatch(2n * 5_990_400_000n);
  expect([r(named('rtc'), 0x00), lines[34]]).toEqual([1_700_000_002, false]);
  queue.dispatch(3n * 5_990_400_000n);
  expect([r(named('rtc'), 0x18), lines[34]]).toEqual([1, true]);
  w(named('rtc'), 0x1c, 1);
  expect(lines[34]).toBe(false);
  expect([r(named('cntc'), 0x08), r(named('cntc'), 0x20)]).toEqual([3 * 8_320_000, 8_320_000]);
});

test('an unmodelled block reads zero and is counted', () => {
  const { named, errors } = bench();
  w(named('hole'), 0x10, 1);
  expect([r(named('hole'), 0x10), errors]).toEqual([0, ['stub-write', 'stub-read']]);
});

test('the flat board has of these blocks the clock alone, where the virt machine of QEMU has it', () => {
  // qemu: hw/arm/virt.c, VIRT_RTC and its SPI 2
  expect(flatBoard().blocks).toEqual([{ name: 'rtc', kind: 'pl031', base: 0x901_0000, size: 0x1000, intid: 34 }]);
});

test('no access sequence throws; save and load are the identity', () => {
  const access = fc.tuple(
    fc.nat(2),
    fc.nat(0xfff).map((n) => n & ~3),
    fc.constantFrom<1 | 2 | 4 | 8>(1, 2, 4, 4, 4, 8),
    fc.nat(0xffff_ffff),
    fc.nat(1000),
  );
  fc.assert(
    fc.property(fc.array(access, { maxLength: 200 }), (steps) => {
      const a = bench();
      for (const [kind, offset, width, value, which] of steps) {
        const device = a.devices[which % a.devices.length]!;
        if (kind === 0) expect(device.read(offset, width, 0)).toBeGreaterThanOrEqual(0);
        else device.write(offset, width, value, 0, 0);
      }
      const b = bench();
      a.devices.forEach((device, i) => {
        b.devices[i]!.load(JSON.parse(JSON.stringify(device.save())));
        expect(b.devices[i]!.save()).toEqual(device.save());
      });
    }),
    { seed: 1, numRuns: 50 },
  );
});
