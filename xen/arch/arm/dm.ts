/** The Arm-only device-model operation (xen: xen/arch/arm/dm.c). */
import type { Domain } from '../../common/domain.js';
import type { Xen } from '../../common/xen.js';
import { baselineOf } from '../../common/baselines.js';
import { EINVAL } from '../../public/errno.js';
import { vgicInjectIrq } from './vgic.js';

/**
 * XEN_DMOP_set_irq_level, checks in upstream's order. @param padIsZero whether the padding was all zero.
 * @returns 0 (also when the edge was merged or lost) or -EINVAL.
 */
export function setIrqLevel(xen: Xen, d: Domain, irq: number, level: number, padIsZero: boolean): number {
  if (irq < 32 || irq >= d.vgic.numIrqs) return -EINVAL;
  if (level > 1) return -EINVAL;
  if (!padIsZero && baselineOf(xen).checkIrqPadding) return -EINVAL;
  if (d.vgic.allocated.has(irq) && baselineOf(xen).checkIrqAllocated) return -EINVAL;
  vgicInjectIrq(xen, d, null, irq, level === 1);
  return 0;
}
