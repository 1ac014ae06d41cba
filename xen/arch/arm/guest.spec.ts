import { expect, test } from 'vitest';
import { rcarH3 } from '../../../boards/index.js';
import { Machine } from '../../../sim/machine/machine.js';
import { createXen } from '../../create.js';
import { createDomain, setVcpuContext, unpauseByController } from '../../common/domctl.js';
import { xenHardware } from './adapter.js';
import { XenEl2 } from './el2.js';
import { P2M_RAM_RW } from './p2m.js';
import type { Xen } from '../../common/xen.js';
import type { Domain } from '../../common/domain.js';

// Assembled with GNU as 2.40 from the listing at the end of this file.
// prettier-ignore
const CODE =
  '3c00a8d2e13f001001c018d5800300f90080b052020000d4800700f9300280d2000080d222d401d4800b00f9a00038d5800f00f9000438d5' +
  '801300f90260a0d2020082f2400440b9801700f90340a0d2601040b9951b00f9961f00f924008052440000b90400a152440001b90560a0d2' +
  '050084f2041e8052a40400b924008052a40000b946e03bd5862300f9046880d204e31bd5240080d224e31bd5ff4203d5770000b57f2003d5' +
  'feffff1747e03bd5872700f9982b00f9992f00f90340a0d2e10303aa204400b8953300f90080b05200018072020000d4000000141f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5';
const VECTORS_AT = 0x800;
// prettier-ignore
const VECTORS =
  '000000141f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d5000000141f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5000000141f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5000000141f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d5155238d5166038d53a4038d55a1300913a4018d5e0039fd61f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5' +
  '1f2003d51f2003d51f2003d51f2003d51f2003d51f2003d5b80c40b939e33bd55a0080d23ae31bd5b81000b9f7060091e0039fd6';

const RESULTS = 0x1_0000;

function words(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** One vCPU, 2 MiB of RAM at 0x40000000 with the program, on the four A57s of an R-Car H3. */
function bareGuest(): { machine: Machine; xen: Xen; d: Domain; ram: number } {
  let xen!: Xen;
  const board = rcarH3();
  const machine = new Machine({
    board,
    el2: (m) => {
      xen = createXen(xenHardware(m, [0, 1, 2, 3]), {
        pcpus: [0, 1, 2, 3],
        ram: board.memory.map(({ base, size }) => ({ base, size })),
        gicv: { base: board.gic.virtualCpuInterface.base, alias64k: true },
        baseline: 'current',
        scheduler: { kind: 'credit2', rateLimitUs: 1000 },
        workarounds: { wa1: false, wa2: false, wa3: false },
        branchPredictorHardening: false,
        epoch: 1_700_000_000,
        version: { major: 4, minor: 21, extra: '.0' },
      });
      return new XenEl2(xen);
    },
  });
  const d = createDomain(xen, {
    name: 'bare',
    uuid: '00000000-0000-0000-0000-000000000001',
    kind: 'guest',
    options: { nrSpis: 2, p2mPoolPages: 64, maxVcpus: 1 },
  });
  const ram = xen.heap.allocPages(9, d.id)!;
  d.totPages += 512;
  d.p2m.map(0x40000, ram, 512, P2M_RAM_RW);
  machine.memory.write(ram, words(CODE));
  machine.memory.write(ram + VECTORS_AT, words(VECTORS));
  xen.toolstack = { onShutdown: (dead) => machine.stop({ name: 'poweroff', detail: String(dead.shutdown?.code) }) };
  const start = {
    pc: 0x4000_0000n,
    x0: 0x4000_5000n,
    pstate: 0x3c5n,
    sctlr: 0x00c5_0078n,
    ttbr0: 0n,
    ttbr1: 0n,
    tcr: 0n,
  };
  setVcpuContext(xen, d.vcpus[0]!, start, true);
  unpauseByController(xen, d);
  return { machine, xen, d, ram };
}

test('a guest of machine code meets Xen: hypercalls, ID registers, GIC, timer, aborts, power-off', () => {
  const { machine, d, ram } = bareGuest();
  for (let i = 0; i < 100 && machine.run(1_000_000) === 'more'; i++);
  const result = (n: number): bigint => machine.memory.read64(ram + RESULTS + 8 * n);
  expect(machine.outcome?.name).toBe('poweroff');
  expect(d.shutdown).toEqual({ code: 0 });
  expect(result(0)).toBe(0x4000_5000n);
  expect(result(1)).toBe(0x1_0001n); // PSCI 1.1
  expect(result(2)).toBe(0x4_0015n); // Xen 4.21
  expect(result(3)).toBe(0x8000_0000n); // MPIDR: Aff 0, RES1
  expect(result(4)).toBe(0x1111n);
  expect(result(5)).toBe(1n); // one CPU, 32 SPIs
  // xen-ioreq 5.8: EC 0x25, IL, ISS 0; FAR is the virtual address
  expect(result(6)).toBe(0x9600_0000n);
  expect(result(7)).toBe(0x0200_0010n);
  // The virtual count starts with the domain; 832 counts of 120.19 ns later the timer has fired.
  expect(result(8) < 100_000n).toBe(true);
  const elapsed = result(9) - result(8);
  expect(elapsed >= 832n && elapsed < 832n + 200n).toBe(true);
  expect(result(10)).toBe(27n);
  expect(result(11)).toBe(7n); // ENABLE, IMASK (Xen masks it), ISTATUS
  expect(result(12)).toBe(0x9600_0000n);
});

test('two runs are the same run', () => {
  const hash = (): string => {
    const { machine } = bareGuest();
    for (let i = 0; i < 100 && machine.run(1_000_000) === 'more'; i++);
    return machine.hash();
  };
  expect(hash()).toBe(hash());
});

/*
// Guest 1 at 0x40000000, results at 0x40010000
    .text
    movz x28, #0x4001, lsl #16  // results 0x40010000
    adr  x1, vectors
    msr  vbar_el1, x1
    str  x0, [x28]              // 0: x0
    movz w0, #0x8400, lsl #16
    hvc  #0
    str  x0, [x28, #8]          // 1: PSCI version
    mov  x16, #17
    mov  x0, #0
    hvc  #0xea1
    str  x0, [x28, #16]         // 2: xen version
    mrs  x0, mpidr_el1
    str  x0, [x28, #24]         // 3
    mrs  x0, id_aa64pfr0_el1
    str  x0, [x28, #32]         // 4
    movz x2, #0x300, lsl #16
    movk x2, #0x1000
    ldr  w0, [x2, #4]           // GICD_TYPER
    str  x0, [x28, #40]         // 5
    movz x3, #0x200, lsl #16
    ldr  w0, [x3, #0x10]        // nobody there: abort
    str  x21, [x28, #48]        // 6: ESR
    str  x22, [x28, #56]        // 7: FAR
    // GIC
    mov  w4, #1
    str  w4, [x2]               // GICD_CTLR
    mov  w4, #0x08000000
    str  w4, [x2, #0x100]       // ISENABLER0: 27
    movz x5, #0x300, lsl #16
    movk x5, #0x2000
    mov  w4, #0xf0
    str  w4, [x5, #4]           // GICC_PMR
    mov  w4, #1
    str  w4, [x5]
    mrs  x6, cntvct_el0
    str  x6, [x28, #64]         // 8
    mov  x4, #832               // 100 us
    msr  cntv_tval_el0, x4
    mov  x4, #1
    msr  cntv_ctl_el0, x4
    msr  daifclr, #2
1:  cbnz x23, 2f
    wfi
    b 1b
2:  mrs  x7, cntvct_el0
    str  x7, [x28, #72]         // 9
    str  x24, [x28, #80]        // 10: IAR
    str  x25, [x28, #88]        // 11: CTL seen
    movz x3, #0x200, lsl #16
    mov  x1, x3
    .word 0xb8004420            // str w0, [x1], #4 : ISV = 0, nobody: abort
    str  x21, [x28, #96]        // 12
    movz w0, #0x8400, lsl #16
    movk w0, #0x8
    hvc  #0
    b .
    .balign 2048
vectors:
    .balign 128
    b .
    .balign 128
    b .
    .balign 128
    b .
    .balign 128
    b .
    .balign 128
    mrs x21, esr_el1
    mrs x22, far_el1
    mrs x26, elr_el1
    add x26, x26, #4
    msr elr_el1, x26
    eret
    .balign 128
    ldr w24, [x5, #0xc]
    mrs x25, cntv_ctl_el0
    mov x26, #2
    msr cntv_ctl_el0, x26
    str w24, [x5, #0x10]
    add x23, x23, #1
    eret
*/
