/** What a device on the bus is, and what it is given. A device never receives the machine (rule S2). */

/** A level-sensitive or edge interrupt input of the interrupt controller, as its source sees it. */
export interface IrqLine {
  readonly name: string;
  set(level: boolean): void;
}

/** Access width in bytes. */
export type Width = 1 | 2 | 4 | 8;

/** The core that makes an access; banked registers need it. -1 for a debug access, which has no side effect. */
export type Initiator = number;

/** An 8-byte value is passed as two unsigned words; narrower ones have hi = 0. */
export interface MmioDevice {
  readonly name: string;
  /** Returns the low word; a device that answers 8-byte reads puts the high word into `port.hi`. */
  read(offset: number, width: Width, initiator: Initiator): number;
  write(offset: number, width: Width, value: number, hi: number, initiator: Initiator): void;
  reset(): void;
  /** Plain JSON-able state; `load(save())` is the identity. */
  save(): unknown;
  load(state: unknown): void;
}

/** A guest's or backend's mistake: named, counted, traced; never thrown (rule G1). */
export interface GuestErrors {
  report(kind: string, device: string, detail: string): void;
}
