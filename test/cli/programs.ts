/** Small guests, assembled with GNU as; the source is beside each. They run on the flat board and under Xen. */

/** UART data registers: QEMU virt's PL011, and the SBSA UART that Xen emulates (xen: GUEST_PL011_BASE). */
export const FLAT_UART = 0x0900_0000;
export const XEN_UART = 0x2200_0000;
export const SYSTEM_OFF = 0x8400_0008;
export const SYSTEM_RESET = 0x8400_0009;

const UART_AT = 0x20;
const FUNCTION_AT = 0x28;
const END_AT = 0x30;
const TEXT_AT = 0x40;

// prettier-ignore
const SAY = [
  0x58000101, //    ldr x1, uart
  0x100001e2, //    adr x2, text
  0x38401443, // 1: ldrb w3, [x2], #1
  0x34000063, //    cbz w3, 2f
  0xb9000023, //    str w3, [x1]
  0x17fffffd, //    b 1b
  0x18000080, // 2: ldr w0, function
  0x14000005, //    b end
];

/** Follows the text of SAY; x1 is the UART. */
const ECHO_AT = 0x50;
// prettier-ignore
const ECHO = [
  0xb9401822, // 1: ldr w2, [x1, #0x18]        UARTFR
  0x3727ffe2, //    tbnz w2, #4, 1b            RXFE
  0xb9400023, //    ldr w3, [x1]
  0xb9000023, //    str w3, [x1]
  0x7101c47f, //    cmp w3, #'q'
  0x54ffff61, //    b.ne 1b
  0x18fffe00, //    ldr w0, function
  0xd4000002, //    hvc #0
  0x14000000, //    b .
];

/** What a program does at its end. */
// prettier-ignore
export const END = {
  psci: [0xd4000002, 0x14000000], // hvc #0; b .          with w0 = function
  spin: [0x14000000], // b .
  sleep: [0xd503207f, 0x17ffffff], // wfi; b .-4
  nowhere: [0xd2820000, 0xd61f0000], // mov x0, #0x1000; br x0
  hole: [0xd2a14000, 0xb9400000, 0x14000000], // mov x0, #0x0a000000; ldr w0, [x0]; b .
} as const;

export interface ProgramOptions {
  readonly uart: number;
  readonly text?: string;
  readonly end: readonly number[];
  /** PSCI function of END.psci. */
  readonly call?: number;
  /** Bytes that the kernel says it needs. */
  readonly size?: number;
}

function build(code: readonly number[], { uart, text = '', end, call = SYSTEM_OFF }: ProgramOptions): Uint8Array {
  const bytes = new Uint8Array(TEXT_AT + text.length + 1);
  const view = new DataView(bytes.buffer);
  code.forEach((word, i) => view.setUint32(4 * i, word, true));
  view.setUint32(UART_AT, uart, true);
  view.setUint32(FUNCTION_AT, call, true);
  end.forEach((word, i) => view.setUint32(END_AT + 4 * i, word, true));
  bytes.set(new TextEncoder().encode(text), TEXT_AT);
  return bytes;
}

/** A flat binary that prints a text and ends. */
export function say(options: ProgramOptions): Uint8Array {
  return build(SAY, options);
}

/** A flat binary with the prompt `$ ` that sends back what is typed; `q` ends it. */
export function echo(uart: number): Uint8Array {
  const start = build(SAY, { uart, text: '$ ', end: [0x14000008] }); // b . + 0x20
  const bytes = new Uint8Array(ECHO_AT + 4 * ECHO.length);
  bytes.set(start);
  ECHO.forEach((word, i) => new DataView(bytes.buffer).setUint32(ECHO_AT + 4 * i, word, true));
  return bytes;
}

/** The same with the header of an arm64 Image (Linux Documentation/arch/arm64/booting.rst), as Xen's loader wants it. */
export function image(code: Uint8Array, size = 64 + code.length): Uint8Array {
  const bytes = new Uint8Array(64 + code.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x14000010, true); // b . + 64
  view.setBigUint64(0x10, BigInt(size), true);
  view.setUint32(0x18, 0xa, true); // little endian, 4 KiB pages, anywhere
  view.setUint32(0x38, 0x644d5241, true); // "ARM\x64"
  bytes.set(code, 64);
  return bytes;
}
