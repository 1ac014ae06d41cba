/**
 * GICH and GICV of one CPU with four list registers, written from chapter 5 of the GICv2 architecture specification
 * (IHI 0048B.b): list registers as objects, no bit tricks.
 */
export interface ListRegister {
  hw: boolean;
  group1: boolean;
  pending: boolean;
  active: boolean;
  priority: number;
  /** HW 1: physical INTID. HW 0: bit 9 asks for maintenance at the EOI, bits 2:0 name an SGI's source. */
  physical: number;
  intid: number;
}

export const packLr = (lr: ListRegister): number =>
  (lr.intid |
    (lr.physical << 10) |
    ((lr.priority >> 3) << 23) |
    (lr.pending ? 1 << 28 : 0) |
    (lr.active ? 1 << 29 : 0) |
    (lr.group1 ? 1 << 30 : 0) |
    (lr.hw ? 1 << 31 : 0)) >>>
  0;

const asksForMaintenance = (lr: ListRegister): boolean => !lr.hw && (lr.physical & 0x200) !== 0;
const valid = (lr: ListRegister): boolean => lr.pending || lr.active;

export class ReferenceVirtual {
  readonly lrs: ListRegister[] = Array.from({ length: 4 }, () => ({
    hw: false,
    group1: false,
    pending: false,
    active: false,
    priority: 0,
    physical: 0,
    intid: 0,
  }));
  /** GICH_HCR bits 7:0. */
  control = 0;
  eoiCount = 0;
  /** GICV_CTLR. */
  guest = 0;
  mask = 0;
  bpr = 2;
  abpr = 3;
  readonly active = new Set<number>();
  /** Physical INTIDs that a hardware-linked list register has deactivated. */
  readonly deactivated: number[] = [];

  get running(): number {
    return Math.min(0xff, ...this.active);
  }

  #enabled(lr: ListRegister): boolean {
    return (this.guest & (lr.group1 ? 2 : 1)) !== 0;
  }

  #groupPriority(lr: ListRegister): number {
    const lowest = lr.group1 && (this.guest & 16) === 0 ? this.abpr : this.bpr + 1;
    return (lr.priority >> lowest) << lowest;
  }

  #best(): ListRegister | undefined {
    if ((this.control & 1) === 0) return undefined;
    const waiting = this.lrs.filter((lr) => lr.pending && !lr.active);
    return waiting.reduce<ListRegister | undefined>((a, b) => (a && a.priority <= b.priority ? a : b), undefined);
  }

  #signalled(): ListRegister | undefined {
    const lr = this.#best();
    if (!lr || !this.#enabled(lr) || lr.priority >= this.mask) return undefined;
    return this.#groupPriority(lr) < this.running ? lr : undefined;
  }

  get lines(): number {
    const lr = this.#signalled();
    if (!lr) return 0;
    return !lr.group1 && (this.guest & 8) !== 0 ? 8 : 4;
  }

  #answer(lr: ListRegister | undefined, alias: boolean): number {
    if (!lr || (alias && !lr.group1)) return 1023;
    if (!alias && lr.group1 && (this.guest & 4) === 0) return 1022;
    return lr.intid < 16 && !lr.hw ? lr.intid | ((lr.physical & 7) << 10) : lr.intid;
  }

  hppir(alias: boolean): number {
    const lr = this.#best();
    return this.#answer(lr && this.#enabled(lr) ? lr : undefined, alias);
  }

  acknowledge(alias: boolean): number {
    const lr = this.#signalled();
    const answer = this.#answer(lr, alias);
    if (!lr || answer === 1022 || answer === 1023) return answer;
    this.active.add(this.#groupPriority(lr));
    lr.pending = false;
    lr.active = true;
    return answer;
  }

  #ended(value: number): ListRegister | undefined {
    const [intid, source] = [value & 0x3ff, (value >> 10) & 7];
    return this.lrs.find((lr) => {
      if (!lr.active || lr.intid !== intid) return false;
      return intid >= 16 || lr.hw || (lr.physical & 7) === source;
    });
  }

  #deactivate(lr: ListRegister): void {
    lr.active = false;
    if (lr.hw) this.deactivated.push(lr.physical);
  }

  end(value: number): void {
    if ((value & 0x3ff) >= 1020) return;
    const dropped = this.active.delete(this.running);
    if ((this.guest & 0x200) !== 0) return;
    const lr = this.#ended(value);
    if (lr) this.#deactivate(lr);
    else if (dropped) this.eoiCount = (this.eoiCount + 1) % 32;
  }

  deactivate(value: number): void {
    if ((value & 0x3ff) >= 1020 || (this.guest & 0x200) === 0) return;
    const lr = this.#ended(value);
    if (lr) this.#deactivate(lr);
    else this.eoiCount = (this.eoiCount + 1) % 32;
  }

  get eisr(): number {
    return this.#bits((lr) => !valid(lr) && asksForMaintenance(lr));
  }

  get elrsr(): number {
    return this.#bits((lr) => !valid(lr) && !asksForMaintenance(lr));
  }

  /** GICH_MISR: EOI, U, LRENP, NP, VGrp0E, VGrp0D, VGrp1E, VGrp1D. */
  get misr(): number {
    const on = (bit: number) => (this.control & (1 << bit)) !== 0;
    const conditions = [
      this.eisr !== 0,
      on(1) && this.lrs.filter(valid).length <= 1,
      on(2) && this.eoiCount !== 0,
      on(3) && !this.lrs.some((lr) => lr.pending && !lr.active),
      on(4) && (this.guest & 1) !== 0,
      on(5) && (this.guest & 1) === 0,
      on(6) && (this.guest & 2) !== 0,
      on(7) && (this.guest & 2) === 0,
    ];
    return conditions.reduce((bits, holds, n) => bits | (holds ? 1 << n : 0), 0);
  }

  get vmcr(): number {
    return ((this.mask << 24) | (this.bpr << 21) | (this.abpr << 18) | this.guest) >>> 0;
  }

  get apr(): number {
    return [...this.active].reduce((bits, priority) => (bits | (1 << (priority >> 3))) >>> 0, 0);
  }

  #bits(test: (lr: ListRegister) => boolean): number {
    return this.lrs.reduce((bits, lr, n) => bits | (test(lr) ? 1 << n : 0), 0);
  }
}
