/**
 * Simulated time. One base tick of 5990.4 MHz is shared by every clock of the Salvator-XS: an A57 cycle is
 * 4 ticks, an A53 cycle 5, a CNTPCT increment 720 (design: rcar-h3.md 1.4). Global times are bigint ticks,
 * because 30 days do not fit a double; a core's own cycle count does.
 */
export type Ticks = bigint;

export const NEVER: Ticks = 1n << 62n;

/** Converts ticks to nanoseconds for printing only. */
export function ticksToNs(ticks: Ticks | number, tickHz: number): number {
  return (Number(ticks) * 1e9) / tickHz;
}
