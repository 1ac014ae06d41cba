import { expect, test } from 'vitest';
import { flatBoard } from '../../boards/flat.js';
import { boardData, createBoard } from '../../boards/board.js';
import { createFlatMachine, type FlatMachineOptions } from './flat.js';
import type { InputRecord } from './input-log.js';
import type { Machine } from './machine.js';
import { loadSnapshot, saveSnapshot, SnapshotError } from './snapshot.js';

// Guest programs, assembled with GNU as; the source is beside each.

// prettier-ignore
const HELLO = [
  0xd2a12001, //    mov x1, #0x09000000        UARTDR
  0x10000122, //    adr x2, msg
  0x38401443, // 1: ldrb w3, [x2], #1
  0x34000063, //    cbz w3, 2f
  0xb9000023, //    str w3, [x1]
  0x17fffffd, //    b 1b
  0x52b08000, // 2: mov w0, #0x84000000
  0x11002000, //    add w0, w0, #8             SYSTEM_OFF
  0xd4000002, //    hvc #0
  0x14000000, //    b .
  0x6c6c6568, 0x00000a6f, // msg: "hello\n"
];

// Counts four ticks of the virtual timer, 1000 counts each, in its IRQ handler.
// prettier-ignore
const TIMER = [
  0xd2a10001, //    mov x1, #0x08000000
  0x52800022, //    mov w2, #1
  0xb9000022, //    str w2, [x1]               GICD_CTLR
  0x52a10002, //    mov w2, #1 << 27
  0xb9010022, //    str w2, [x1, #0x100]       GICD_ISENABLER0
  0x91404023, //    add x3, x1, #0x10000
  0x52801fe2, //    mov w2, #0xff
  0xb9000462, //    str w2, [x3, #4]           GICC_PMR
  0x52800022, //    mov w2, #1
  0xb9000062, //    str w2, [x3]               GICC_CTLR
  0x10003ec4, //    adr x4, vectors
  0xd518c004, //    msr vbar_el1, x4
  0xd2807d05, //    mov x5, #1000
  0xd51be305, //    msr cntv_tval_el0, x5
  0xd51be322, //    msr cntv_ctl_el0, x2
  0xd50342ff, //    msr daifclr, #2
  0xd503207f, // 1: wfi
  0xf100127f, //    cmp x19, #4
  0x54ffffc3, //    b.lo 1b
  0x52b08000, //    mov w0, #0x84000000
  0x11002000, //    add w0, w0, #8
  0xd4000002, //    hvc #0
];
// prettier-ignore
const TIMER_IRQ = [ // vectors + 0x280: IRQ from the current EL with SP_ELx
  0xb9400c66, //    ldr w6, [x3, #0xc]         GICC_IAR
  0xd51be305, //    msr cntv_tval_el0, x5
  0xb9001066, //    str w6, [x3, #0x10]        GICC_EOIR
  0x91000673, //    add x19, x19, #1
  0xd69f03e0, //    eret
];
const VECTORS = 0x800;

// Core 0 starts core 1 with context 'Z' and waits; core 1 prints its context, sends SGI 3; core 0 prints source and number.
// prettier-ignore
const SMP = [
  0xd2a10001, //    mov x1, #0x08000000
  0x52800022, //    mov w2, #1
  0xb9000022, //    str w2, [x1]               GICD_CTLR
  0x91404023, //    add x3, x1, #0x10000
  0x52801fe4, //    mov w4, #0xff
  0xb9000464, //    str w4, [x3, #4]           GICC_PMR
  0xb9000062, //    str w2, [x3]               GICC_CTLR
  0x52b88000, //    movz w0, #0xc400, lsl #16
  0x72800060, //    movk w0, #3                CPU_ON
  0xd2800021, //    mov x1, #1
  0x10000202, //    adr x2, second
  0xd2800b43, //    mov x3, #'Z'
  0xd4000002, //    hvc #0
  0xd503207f, //    wfi
  0xd2a10023, //    mov x3, #0x08010000
  0xb9400c66, //    ldr w6, [x3, #0xc]         GICC_IAR
  0xd2a12001, //    mov x1, #0x09000000
  0x530a7cc7, //    lsr w7, w6, #10
  0x1100c0e7, //    add w7, w7, #'0'
  0xb9000027, //    str w7, [x1]
  0x12000cc7, //    and w7, w6, #0xf
  0x1100c0e7, //    add w7, w7, #'0'
  0xb9000027, //    str w7, [x1]
  0x52b08000, 0x11002000, 0xd4000002, // SYSTEM_OFF
  0xd280fa09, // second: mov x9, #2000
  0xf1000529, // 1: subs x9, x9, #1
  0x54ffffe1, //    b.ne 1b
  0xd2a12001, //    mov x1, #0x09000000
  0xb9000020, //    str w0, [x1]
  0xd2a10001, //    mov x1, #0x08000000
  0x52a00022, //    movz w2, #1, lsl #16
  0x32000442, //    orr w2, w2, #3
  0xb90f0022, //    str w2, [x1, #0xf00]       GICD_SGIR
  0xd503207f, // 2: wfi
  0x17ffffff, //    b 2b
];

// prettier-ignore
const ECHO = [
  0xd2a12001, //    mov x1, #0x09000000
  0xb9401822, // 1: ldr w2, [x1, #0x18]        UARTFR
  0x3727ffe2, //    tbnz w2, #4, 1b            RXFE
  0xb9400023, //    ldr w3, [x1]
  0xb9000023, //    str w3, [x1]
  0x7101c47f, //    cmp w3, #'q'
  0x54ffff61, //    b.ne 1b
  0x52b08000, 0x11002000, 0xd4000002, // SYSTEM_OFF
];

function program(words: readonly number[], handler: readonly number[] = []): Uint8Array {
  const all = new Uint32Array(handler.length === 0 ? words.length : (VECTORS + 0x280) / 4 + handler.length);
  all.set(words);
  if (handler.length > 0) all.set(handler, (VECTORS + 0x280) / 4);
  return new Uint8Array(all.buffer);
}

function start(
  kernel: Uint8Array,
  options: Partial<FlatMachineOptions> = {},
): { machine: Machine; text: () => string } {
  let text = '';
  const onConsole = (_console: string, byte: number): void => void (text += String.fromCharCode(byte));
  const { machine } = createFlatMachine({ kernel, ramBytes: 32 << 20, onConsole, ...options });
  return { machine, text: () => text };
}

const finish = (machine: Machine, budget?: number): string => {
  while (machine.run(budget) === 'more');
  return `${machine.outcome?.name} ${machine.hash()}`;
};

test('a flat binary prints on the PL011 and powers off', () => {
  const { machine, text } = start(program(HELLO));
  finish(machine);
  expect(text()).toBe('hello\n');
  expect(machine.outcome).toEqual({ name: 'poweroff', detail: 'PSCI SYSTEM_OFF by cpu0' });
  expect(machine.bus.find(0x0900_0000)?.writes).toBe(6);
});

test('timer interrupts come at their counts, and WFI lets time jump', () => {
  const { machine } = start(program(TIMER, TIMER_IRQ));
  finish(machine);
  expect(machine.outcome?.name).toBe('poweroff');
  expect(machine.cores[0]?.x(19)).toBe(4n);
  // 1000 counts of 62.5 MHz are 16,000 cycles of 1 GHz; the handler restarts the timer some hundred cycles later
  expect(Number(machine.time)).toBeGreaterThan(64_000);
  expect(Number(machine.time)).toBeLessThan(66_000);
  const gicc = machine.bus.find(0x0801_0000);
  expect([gicc?.reads, gicc?.writes]).toEqual([4, 6]);
  expect(machine.instructions).toBeLessThan(60);
});

test('CPU_ON, an SGI from core 1 to core 0 in WFI', () => {
  const { machine, text } = start(program(SMP), { smp: 2 });
  finish(machine);
  expect(text()).toBe('Z13');
  expect(machine.outcome?.name).toBe('poweroff');
});

test('day 29.99 at the clocks of the Salvator-XS: ticks beyond 2^53, timers still exact', () => {
  const data = boardData(flatBoard({ ramBytes: 32 << 20 }));
  const clusters = data.clusters.map((cluster) => ({ ...cluster, clockHz: 1_497_600_000 }));
  const timer = { ...data.timer, cntfrqHz: 8_320_000 };
  const board = createBoard({ ...data, clusters, timer, tick: 5_990_400_000 });
  const { machine } = start(program(TIMER, TIMER_IRQ), { board });
  const day = 15_521_941_094_400_000n; // 29.99 * 86,400 s * 5990.4 MHz
  machine.scheduler.load({ ...machine.scheduler.save(), base: String(day) });
  for (const core of machine.cores) core.cycles = Number(day / 4n);
  finish(machine);
  expect([machine.outcome?.name, machine.cores[0]?.x(19)]).toEqual(['poweroff', 4n]);
  // four times 1000 counts of 720 ticks, and at most 1000 cycles of handler each
  expect(machine.time - day).toBeGreaterThanOrEqual(2_880_000n);
  expect(machine.time - day).toBeLessThan(2_896_000n);
});

// Vectors at 0x800, EL1 with SP_EL1; the handler of synchronous exceptions is at 0xa00.
const withHandler = (words: readonly number[], handler: readonly number[]): Uint8Array => {
  const all = new Uint32Array(0xa00 / 4 + handler.length);
  all.set(words);
  all.set(handler, 0xa00 / 4);
  return new Uint8Array(all.buffer);
};

test('a guest that jumps into nothing ends as a crash within 10 ms', () => {
  // mov x1, #0x1000; br x1: nothing there, VBAR_EL1 = 0 has nothing either
  const { machine } = start(program([0xd2820001, 0xd61f0020]));
  finish(machine);
  expect(machine.outcome).toEqual({
    name: 'crash',
    detail: 'cpu0: instruction abort at 0x200 again and again (ESR_EL1 0x86000010, FAR_EL1 0x200, VBAR_EL1 0x0)',
  });
  expect(machine.time).toBeLessThan(10_000_000n); // ticks of 1 GHz
});

test('so does a handler that faults on its own stack', () => {
  // adr x0, 0x800; msr vbar_el1, x0; mov x1, #0x40090004; mov sp, x1; str x0, [sp]; handler: stp x0, x1, [sp, #-16]!; eret
  const kernel = withHandler(
    [0x10004000, 0xd518c000, 0xd2800081, 0xf2a80121, 0x9100003f, 0xf90003e0],
    [0xa9bf07e0, 0xd69f03e0],
  );
  const { machine } = start(kernel);
  finish(machine);
  expect(machine.outcome?.name).toBe('crash');
  expect(machine.outcome?.detail).toMatch(
    /^cpu0: SP alignment fault at 0x40080a00 again and again \(ESR_EL1 0x9a000000,/,
  );
});

test('half a million system calls in a loop are no crash', () => {
  // adr x0, 0x800; msr vbar_el1, x0; mov x2, #0x80000; 1: svc #0; subs x2, x2, #1; b.ne 1b; SYSTEM_OFF
  const words = [
    0x10004000, 0xd518c000, 0xd2a00102, 0xd4000001, 0xf1000442, 0x54ffffc1, 0x52b08000, 0x72800100, 0xd4000002,
  ];
  const { machine } = start(withHandler(words, [0x91000463, 0xd69f03e0])); // add x3, x3, #1; eret
  finish(machine);
  expect([machine.outcome?.name, machine.cores[0]?.x(3)]).toEqual(['poweroff', 0x80000n]);
});

test('idle time can be stopped anywhere and nothing changes', () => {
  // movz x5, #9, lsl #16: 9.4 ms each, longer than any slice
  const slow = program(
    TIMER.map((word) => (word === 0xd2807d05 ? 0xd2a00125 : word)),
    TIMER_IRQ,
  );
  const whole = finish(start(slow).machine);
  const { machine } = start(slow);
  let stops = 0;
  for (let time = 0n; machine.run(undefined, undefined, time) === 'more'; time = machine.time + 77_777n) {
    if (machine.time === time && machine.scheduler.allIdle) stops++;
  }
  expect(`${machine.outcome?.name} ${machine.hash()}`).toBe(whole);
  expect(stops).toBeGreaterThan(10);
});

test('a device access where nothing is: reported, and an external abort to the guest', () => {
  // mov x1, #0x0a000000; str w1, [x1]
  const { machine } = start(program([0xd2a14001, 0xb9000021]), { deadline: 100_000n });
  finish(machine);
  expect(machine.errors.list()[0]).toEqual({ kind: 'unmapped-write', device: 'bus', count: 1, first: '0xa000000/4' });
  expect(machine.cores[0]?.sysreg('FAR_EL1')).not.toBe(0n);
});

test('all cores waiting for nothing is not a hang', () => {
  const { machine } = start(program([0xd503207f, 0x17ffffff])); // wfi; b .-4
  expect(machine.run()).toBe('waiting');
  const limited = start(program([0xd503207f, 0x17ffffff]), { deadline: 5_000_000_000n }).machine;
  finish(limited);
  expect([limited.outcome?.name, limited.time]).toEqual(['timeout', 5_000_000_000n]);
});

test('--expect ends the run at its line', () => {
  const { machine, text } = start(program(HELLO));
  machine.serial.console().expect = /^hell$/;
  finish(machine);
  expect([text(), machine.outcome?.name]).toEqual(['hell', 'expect']);
});

test('how the host cuts the run up does not change it', () => {
  for (const [kernel, smp] of [
    [program(TIMER, TIMER_IRQ), 1],
    [program(SMP), 2],
  ] as const) {
    // prettier-ignore
    const whole = finish(start(kernel, { smp }).machine);
    expect(finish(start(kernel, { smp }).machine, 1)).toBe(whole);
  }
});

test('the hash sees a byte of RAM, the timing table and the input', () => {
  const hashes = new Set<string>();
  hashes.add(finish(start(program(HELLO)).machine));
  hashes.add(finish(start(program([...HELLO, 1])).machine));
  hashes.add(finish(start(program(HELLO), { append: 'x' }).machine));
  const data = boardData(flatBoard({ ramBytes: 32 << 20 }));
  const timing = { ...data.timing, 'bus.deviceWrite': { ...data.timing['bus.deviceWrite'], value: 16 } };
  hashes.add(finish(start(program(HELLO), { board: createBoard({ ...data, timing } as typeof data) }).machine));
  expect(hashes.size).toBe(4);
});

test('recorded input, replayed, gives an equal run', () => {
  const live = start(program(ECHO));
  const typed: [number, string][] = [[2, 'ab'], [5, 'c'], [9, 'dq']]; // prettier-ignore
  for (let call = 0; live.machine.outcome === undefined; call++) {
    for (const [at, keys] of typed) if (at === call) live.machine.input('uart0', Buffer.from(keys));
    live.machine.run(10_000);
  }
  expect(live.text()).toBe('abcdq');
  const replay = JSON.parse(JSON.stringify(live.machine.inputs.given)) as InputRecord[];
  expect(replay.length).toBe(3);
  const again = start(program(ECHO), { replay });
  expect(finish(again.machine)).toBe(`poweroff ${live.machine.hash()}`);
  expect(again.text()).toBe('abcdq');
});

test('save anywhere, restore in a new machine, and the rest is equal', () => {
  for (const [kernel, smp] of [
    [program(TIMER, TIMER_IRQ), 1],
    [program(SMP), 2],
  ] as const) {
    // prettier-ignore
    const options = { smp, ramBytes: 8 << 20 };
    const original = start(kernel, options).machine;
    const images: Uint8Array[] = [];
    for (let time = 0n; original.run(1e9, time) !== 'done'; time += 331n) images.push(saveSnapshot(original));
    const expected = `${original.outcome?.name} ${original.hash()}`;
    expect(images.length).toBeGreaterThan(10);
    for (let at = 0; at < images.length; at += Math.ceil(images.length / 12)) {
      const copy = start(kernel, options).machine;
      loadSnapshot(copy, images[at] as Uint8Array);
      for (let time = BigInt(at + 1) * 331n; copy.run(1e9, time) !== 'done'; time += 331n);
      expect(`${copy.outcome?.name} ${copy.hash()}`).toBe(expected);
    }
  }
});

test('a damaged snapshot, or one of another board, is refused in one line', () => {
  const { machine } = start(program(HELLO));
  const image = saveSnapshot(machine);
  expect(() => loadSnapshot(machine, image.subarray(0, image.length - 1))).toThrow('cut short');
  expect(() => loadSnapshot(machine, Uint8Array.of(1, 2, 3))).toThrow(SnapshotError);
  expect(() => loadSnapshot(start(program(HELLO), { smp: 2 }).machine, image)).toThrow('another board');
});
