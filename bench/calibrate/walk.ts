/** Descriptor reads of one walk with nothing cached, three levels of each stage. */
import { runGuest } from '../guest.js';

const ROUNDS = 50;

/**
 * The difference of two runs, of which one reads a page after each time that all translations were dropped. Undefined if the
 * settings do not let the guest run.
 */
export async function coldWalkReads(settings: readonly string[]): Promise<number | undefined> {
  const reads: number[] = [];
  for (const touch of [0, 1]) {
    const words = `bench=walk rounds=${ROUNDS} sleep=${touch}`;
    const ran = await runGuest({ bench: 'walk', settings, parameters: { touch } }, { words, vcpus: 1 });
    if ('notRun' in ran) return undefined;
    reads.push(ran.descriptorReads);
  }
  return (reads[1]! - reads[0]!) / ROUNDS;
}
