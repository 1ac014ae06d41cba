/**
 * The translator against the interpreter: random loops of every encoding that has no side effect of its own must leave the
 * same registers, memory, counts and times. (The interpreter is compared with QEMU in isa.spec.ts.)
 */
import { expect, test } from 'vitest';
import { binary, DATA } from '../../bench/host/programs.js';
import { parsePattern } from '../../sim/cpu/isa/encoding.js';
import { INTEGER_ENCODINGS } from '../../sim/cpu/isa/encodings-integer.js';
import { MEMORY_ENCODINGS } from '../../sim/cpu/isa/encodings-memory.js';
import { CODE, cpuBench } from '../../sim/cpu/testbench.js';
import { createFlatMachine } from '../../sim/machine/flat.js';
import type { Machine } from '../../sim/machine/machine.js';

/** Not written by the loops' bodies: index, base, its start, counter. */
const INDEX = 24;
const BASE = 26;
const START = 9;
const COUNTER = 27;

/** xorshift32, from a fixed seed. */
class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % limit;
  }
}

const FREE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 31];
const any = (random: Random): number => FREE[random.below(FREE.length)] as number;

const bench = cpuBench();
/** True if the word runs without an exception. */
function defined(word: number): boolean {
  bench.program(word);
  const before = bench.core.exceptions;
  bench.run(2);
  return bench.core.exceptions === before && Number(bench.core.pc - CODE) === 4;
}

function integerWord(random: Random): number {
  for (;;) {
    const { pattern } = INTEGER_ENCODINGS[random.below(INTEGER_ENCODINGS.length)]!;
    const { value, fields } = parsePattern(pattern);
    let word = value;
    for (const { name, low, width } of fields) {
      const bits = name.startsWith('R') ? any(random) : random.below(2 ** width);
      word = (word | (bits << low)) >>> 0;
    }
    if (defined(word)) return word;
  }
}

/** Loads, stores, exclusives and vector forms with the base and index registers of the loop. */
function memoryWord(random: Random): number {
  const usable = MEMORY_ENCODINGS.filter(({ name }) => !/literal/.test(name));
  for (;;) {
    const { name, pattern } = usable[random.below(usable.length)]!;
    const { value, fields } = parsePattern(pattern);
    let word = value;
    for (const field of fields) {
      let bits = random.below(2 ** field.width);
      if (field.name === 'Rn') bits = BASE;
      else if (field.name === 'Rm' && name.includes('register offset')) bits = INDEX;
      else if (field.name === 'Rm') bits = 31;
      else if (field.name.startsWith('R')) bits = any(random);
      word = (word | (bits << field.low)) >>> 0;
    }
    const at = (field: string): number => {
      const found = fields.find((f) => f.name === field);
      return found === undefined ? -1 : (word >>> found.low) & (2 ** found.width - 1);
    };
    // CONSTRAINED UNPREDICTABLE (Arm ARM K1.1): registers that are the same
    const targets = [at('Rt'), at('Rt2'), at('Rs')].filter((n) => n >= 0 && n < 32);
    if (new Set(targets).size !== targets.length) continue;
    bench.core.setX(BASE, CODE + 0x10_0000n);
    bench.core.setX(INDEX, 8n);
    if (defined(word)) return word;
  }
}

const branch = (from: number, to: number): number => (0x14000000 | ((to - from) & 0x3ffffff)) >>> 0;

/** A loop without end: 40 words, some skipped by a condition, some in a function. */
function loop(random: Random): number[] {
  const word = (): number => (random.below(3) === 0 ? memoryWord(random) : integerWord(random));
  const rebase = 0xaa0003e0 | (START << 16) | BASE; // mov x26, x9: write-back has moved it
  const words: number[] = [rebase];
  words.push(0x91000400 | (COUNTER << 5) | COUNTER); // add x27, x27, #1
  words.push(0x92401400 | (COUNTER << 5) | INDEX); // and x24, x27, #63
  for (let piece = 0; piece < 8; piece++) {
    for (let i = 0; i < 3; i++) words.push(word(), rebase);
    const test = random.below(3);
    // b.cond .+12; cbz .+12; tbz .+12
    if (test === 0) words.push(0x54000060 | random.below(14));
    else if (test === 1)
      words.push(((0x34000060 | (random.below(4) << 24) | any(random)) & ~0x02000000) | (random.below(2) << 31));
    else
      words.push(
        (0x36000060 | (random.below(2) << 24) | (random.below(32) << 19) | any(random) | (random.below(2) << 31)) >>> 0,
      );
    words.push(word(), rebase);
  }
  const call = words.length;
  words.push(0); // bl function
  words.push(branch(words.length, 0));
  words[call] = branch(call, words.length) | 0x80000000;
  for (let i = 0; i < 4; i++) words.push(word(), rebase);
  words.push(0xd65f03c0); // ret
  return words.map((w) => w >>> 0);
}

function machineOf(engine: 'interpreter' | 'translator', words: readonly number[], seed: number): Machine {
  const { machine } = createFlatMachine({ kernel: binary(words), ramBytes: 16 << 20, engine });
  for (const [address, value] of DATA) machine.memory.write64(address, value);
  const random = new Random(seed);
  for (let at = 0; at < 0x8000; at += 4) machine.memory.write32(0x401f_c000 + at, random.below(2 ** 32));
  return machine;
}

/** A loop that takes no exception; what it does with unaligned exclusives would be one. */
function quietLoop(seed: number): number[] {
  const random = new Random(seed * 0x9e3779b1);
  for (;;) {
    const words = loop(random);
    const machine = machineOf('interpreter', words, seed);
    machine.run(50_000);
    if (machine.cores[0]!.exceptions === 0) return words;
  }
}

const entries: number[] = [];
const LOOPS = Number(process.env['RCAR_SIM_LOOPS'] ?? 12);
test.each(Array.from({ length: LOOPS }, (_, i) => i + 1))('random loop %i', (seed) => {
  const words = quietLoop(seed);
  const [a, b] = [machineOf('interpreter', words, seed), machineOf('translator', words, seed)];
  for (let part = 0; part < 4; part++) {
    a.run(400_000);
    b.run(400_000);
    expect(b.instructions).toBe(a.instructions);
    expect(b.cores[0]!.cycles).toBe(a.cores[0]!.cycles);
    for (let n = 0; n < 31; n++) expect([n, b.cores[0]!.x(n)]).toEqual([n, a.cores[0]!.x(n)]);
    expect(b.hash()).toBe(a.hash());
  }
  expect(a.cores[0]!.exceptions).toBe(0);
  entries.push(b.translator!.counts.entries);
});

test('most of the loops ran as regions', () => {
  expect(entries.filter((count) => count > 1000).length).toBeGreaterThan(LOOPS / 2);
});
