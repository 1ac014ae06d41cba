/** Quantities with units, as board descriptions and `--set` accept them: '1497.6 MHz', '896 MiB', '200 ns', 64. */

export type Dimension = 'frequency' | 'size' | 'duration';

const BASE_UNIT: Record<Dimension, string> = { frequency: 'Hz', size: 'bytes', duration: 'ns' };

const UNITS: Record<Dimension, Readonly<Record<string, bigint>>> = {
  frequency: { Hz: 1n, kHz: 1000n, MHz: 1_000_000n, GHz: 1_000_000_000n },
  size: { B: 1n, KiB: 1n << 10n, MiB: 1n << 20n, GiB: 1n << 30n },
  duration: { ns: 1n, us: 1000n, ms: 1_000_000n, s: 1_000_000_000n },
};

/** The unit of a plain number of that dimension. */
export function baseUnit(dimension: Dimension): string {
  return BASE_UNIT[dimension];
}

/**
 * Parses a quantity to an exact integer in the base unit (Hz, bytes, ns). Decimal fractions are exact: '8.32 MHz'
 * is 8320000. Throws RangeError with a one-line reason for an unknown unit, a malformed number or a fraction.
 */
export function parseQuantity(input: number | string, dimension: Dimension): number {
  if (typeof input === 'number') {
    if (!Number.isSafeInteger(input) || input < 0) {
      throw new RangeError(`${input} is not a whole number of ${BASE_UNIT[dimension]}`);
    }
    return input;
  }
  const text = input.trim();
  const parts = /^(0x[0-9a-fA-F]+|\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text);
  if (!parts) throw new RangeError(`'${input}' is not a ${dimension}, e.g. ${example(dimension)}`);
  const digits = parts[1] ?? '';
  const unit = parts[2] ?? '';
  const scale = unit === '' ? 1n : UNITS[dimension][unit];
  if (scale === undefined) {
    const known = Object.keys(UNITS[dimension]).join(', ');
    throw new RangeError(`bad unit '${unit}' in '${input}', a ${dimension} is in ${known}`);
  }
  let value: bigint;
  const dot = digits.indexOf('.');
  if (dot < 0) {
    value = BigInt(digits) * scale;
  } else {
    const decimals = digits.length - dot - 1;
    const scaled = BigInt(digits.slice(0, dot) + digits.slice(dot + 1)) * scale;
    const divisor = 10n ** BigInt(decimals);
    if (scaled % divisor !== 0n) throw new RangeError(`'${input}' is not a whole number of ${BASE_UNIT[dimension]}`);
    value = scaled / divisor;
  }
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`'${input}' is too large`);
  return Number(value);
}

function example(dimension: Dimension): string {
  return { frequency: "'1.5 GHz'", size: "'256 MiB'", duration: "'200 ns'" }[dimension];
}

/** Prints a base-unit value in the largest unit that keeps it exact to three decimals. */
export function formatQuantity(value: number, dimension: Dimension): string {
  const entries = Object.entries(UNITS[dimension]).reverse();
  for (const [unit, scale] of entries) {
    const shown = value / Number(scale);
    if (shown >= 1 && Math.abs(shown * 1000 - Math.round(shown * 1000)) < 1e-9) return `${shown} ${unit}`;
  }
  return `${value} ${BASE_UNIT[dimension]}`;
}

export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

export function lcm(a: bigint, b: bigint): bigint {
  return (a / gcd(a, b)) * b;
}
