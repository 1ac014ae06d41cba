/** The GICv2 distributor that a guest sees (xen: xen/arch/arm/vgic-v2.c; xen-ioreq.md 6.3). */
import type { Vcpu } from '../../common/domain.js';
import type { Xen } from '../../common/xen.js';
import { baselineOf } from '../../common/baselines.js';
import { rankOf, vgicDisableIrqs, vgicEnableIrqs, vgicInjectIrq, vgicToSgi } from './vgic.js';

const IIDR = 0x0000_043b;
const SGIR_READ = 0xdead_beef;

/** A register range: how many interrupts a 32-bit word covers. */
type Kind =
  | 'igroup' | 'isenable' | 'icenable' | 'ispend' | 'icpend' | 'isactive' | 'icactive'
  | 'priority' | 'targets' | 'icfg' | 'nsac' | 'cpendsgi' | 'spendsgi'; // prettier-ignore

const RANGES: readonly [Kind, number, number][] = [
  ['igroup', 0x080, 0x0ff],
  ['isenable', 0x100, 0x17f],
  ['icenable', 0x180, 0x1ff],
  ['ispend', 0x200, 0x27f],
  ['icpend', 0x280, 0x2ff],
  ['isactive', 0x300, 0x37f],
  ['icactive', 0x380, 0x3ff],
  ['priority', 0x400, 0x7fb],
  ['targets', 0x800, 0xbfb],
  ['icfg', 0xc00, 0xcff],
  ['nsac', 0xe00, 0xeff],
  ['cpendsgi', 0xf10, 0xf1f],
  ['spendsgi', 0xf20, 0xf2f],
];

function rangeOf(offset: number): { kind: Kind; at: number } | undefined {
  for (const [kind, from, to] of RANGES) if (offset >= from && offset <= to) return { kind, at: offset - from };
  return undefined;
}

const reservedOrImpDef = (offset: number): boolean =>
  (offset >= 0x00c && offset <= 0x01f) ||
  (offset >= 0x020 && offset <= 0x03f) ||
  (offset >= 0x040 && offset <= 0x07f) ||
  offset === 0x7fc ||
  offset === 0xbfc ||
  (offset >= 0xd00 && offset <= 0xdff) ||
  (offset >= 0xf30 && offset <= 0xfcf) ||
  (offset >= 0xfd0 && offset <= 0xfe7) ||
  (offset >= 0xfec && offset <= 0xfff);

/** @returns the value, or undefined: the access is aborted (unimplemented register or wrong width). */
export function gicdRead(xen: Xen, v: Vcpu, offset: number, size: number): number | undefined {
  const { vgic } = v.domain;
  const word = size === 4;
  switch (offset) {
    case 0x000:
      return word ? (vgic.enabled ? 1 : 0) : undefined;
    case 0x004:
      return word ? ((vgic.maxVcpus - 1) << 5) | Math.ceil(vgic.nrSpis / 32) : undefined;
    case 0x008:
      return word ? IIDR : undefined;
    case 0xf00:
      return word ? SGIR_READ : undefined;
    case 0xfe8:
      return abort(xen, v, `read of ICPIDR2`);
  }
  const range = rangeOf(offset);
  if (range === undefined) return reservedOrImpDef(offset) ? 0 : abort(xen, v, `read of 0x${offset.toString(16)}`);
  const { kind, at } = range;
  const byteAccess = kind === 'priority' || kind === 'targets' || kind === 'cpendsgi' || kind === 'spendsgi';
  if (!(word || (byteAccess && size === 1))) return abort(xen, v, `${kind} read of ${size} bytes`);
  const irqs = vgic.numIrqs;
  switch (kind) {
    case 'isenable':
    case 'icenable': {
      const bank = at >> 2;
      if (bank * 32 >= irqs) return 0;
      const { rank, index } = rankOf(v, bank * 32);
      return rank.enable[index >> 5]!;
    }
    case 'priority':
      return bytes(v, at, size, irqs, (rank, index) => rank.priority[index]!);
    case 'targets':
      return bytes(v, at, size, irqs, (rank, index) => 1 << (rank === v.arch.vgic.rank ? v.id : rank.target[index]!));
    case 'icfg': {
      const first = (at >> 2) * 16;
      if (first >= irqs) return 0;
      const { rank, index } = rankOf(v, first);
      return rank.icfg[index >> 4]!;
    }
    default: // pending and active state is not shown; no groups, no security
      return 0;
  }
}

/** @returns false: the access is aborted. */
export function gicdWrite(xen: Xen, v: Vcpu, offset: number, size: number, value: number): boolean {
  const { vgic } = v.domain;
  const word = size === 4;
  switch (offset) {
    case 0x000:
      if (!word) return false;
      vgic.enabled = (value & 1) !== 0;
      return true;
    case 0x004:
    case 0x008:
      return word;
    case 0xf00: {
      if (!word) return false;
      const mode = (value >>> 24) & 3;
      if (mode === 3) return refuse(xen, v, 'SGIR filter 3');
      vgicToSgi(xen, v, mode, (value >>> 16) & 0xff, value & 0xf);
      return true;
    }
    case 0xfe8:
      return true;
  }
  const range = rangeOf(offset);
  if (range === undefined) {
    return reservedOrImpDef(offset) ? true : refuse(xen, v, `write of 0x${offset.toString(16)}`);
  }
  const { kind, at } = range;
  const byteAccess = kind === 'priority' || kind === 'targets' || kind === 'cpendsgi' || kind === 'spendsgi';
  if (!(word || (byteAccess && size === 1))) return refuse(xen, v, `${kind} write of ${size} bytes`);
  const irqs = vgic.numIrqs;
  const bank = at >> 2;
  switch (kind) {
    case 'isenable':
    case 'icenable': {
      if (bank * 32 >= irqs) return true;
      const { rank, index } = rankOf(v, bank * 32);
      const old = rank.enable[index >> 5]!;
      if (kind === 'isenable') {
        rank.enable[index >> 5] = old | value;
        vgicEnableIrqs(xen, v, value & ~old, bank);
      } else {
        rank.enable[index >> 5] = old & ~value;
        vgicDisableIrqs(v, value & old, bank);
      }
      return true;
    }
    case 'icpend':
      return baselineOf(xen).icpendrIgnored ? true : refuse(xen, v, 'ICPENDR write');
    case 'ispend':
      if (!baselineOf(xen).ispendrInjects) return refuse(xen, v, 'ISPENDR write');
      for (let i = 0; i < 32; i++) {
        const irq = bank * 32 + i;
        if ((value >>> i) & 1 && irq < irqs) vgicInjectIrq(xen, v.domain, irq < 32 ? v : null, irq, true);
      }
      return true;
    case 'isactive':
      return value === 0 ? true : refuse(xen, v, 'ISACTIVER write');
    case 'priority':
      for (let i = 0; i < size; i++) {
        if (at + i >= irqs) break;
        const { rank, index } = rankOf(v, at + i);
        rank.priority[index] = (value >>> (8 * i)) & 0xff;
      }
      return true;
    case 'targets':
      for (let i = 0; i < size; i++) {
        const irq = at + i;
        if (irq < 32 || irq >= irqs) continue; // banked ones are read-only
        const mask = (value >>> (8 * i)) & 0xff & (2 ** vgic.maxVcpus - 1);
        if (mask === 0) continue;
        vgic.rank.target[irq - 32] = 31 - Math.clz32(mask & -mask);
      }
      return true;
    case 'icfg': {
      const first = bank * 16;
      if (bank < 2 || first >= irqs) return true;
      const { rank, index } = rankOf(v, first);
      rank.icfg[index >> 4] = value;
      return true;
    }
    case 'cpendsgi':
    case 'spendsgi':
      return refuse(xen, v, `${kind} write`);
    default: // IGROUPR, ICACTIVER, NSACR
      return true;
  }
}

/** A byte or word of a register with one byte per interrupt. */
function bytes(
  v: Vcpu,
  irq: number,
  size: number,
  irqs: number,
  of: (rank: ReturnType<typeof rankOf>['rank'], index: number) => number,
): number {
  let value = 0;
  for (let i = 0; i < size; i++) {
    if (irq + i >= irqs) break;
    const { rank, index } = rankOf(v, irq + i);
    value |= of(rank, index) << (8 * i);
  }
  return value >>> 0;
}

function abort(xen: Xen, v: Vcpu, what: string): undefined {
  xen.errors.report('vgicd-unhandled', v.name, what);
  return undefined;
}

function refuse(xen: Xen, v: Vcpu, what: string): false {
  abort(xen, v, what);
  return false;
}
