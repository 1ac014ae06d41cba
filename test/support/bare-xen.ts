/** A machine and a hypervisor from settings, as createXenSimulation makes them, without domains. */
import { configure } from '../../boards/keys.js';
import { rcarH3 } from '../../boards/index.js';
import { Machine } from '../../sim/machine/machine.js';
import { xenHardware } from '../../xen/arch/arm/adapter.js';
import { XenEl2 } from '../../xen/arch/arm/el2.js';
import { BASELINES } from '../../xen/common/baselines.js';
import type { Xen } from '../../xen/common/xen.js';
import { createXen } from '../../xen/create.js';

/** A guest that takes one exception for ever is ended, as createXenSimulation does it. */
export function bareXen(settings: readonly string[]): { machine: Machine; xen: Xen } {
  const { board, design } = configure(rcarH3(), settings);
  const pcpus = board.cores.slice(0, design['xen.pcpus']).map((core) => core.index);
  let xen!: Xen;
  const machine = new Machine({
    board,
    epoch: design['sim.epoch'],
    el2: (m) => {
      xen = createXen(xenHardware(m, pcpus), {
        pcpus,
        ram: board.memory.map(({ base, size }) => ({ base, size })),
        gicv: { base: board.gic.virtualCpuInterface!.base, alias64k: true },
        baseline: design['xen.baseline'],
        ioreqServer: design['xen.ioreqServer'] === 'on',
        scheduler: { kind: design['xen.scheduler'], rateLimitUs: design['xen.rateLimit'] / 1000 },
        workarounds: { wa1: false, wa2: false, wa3: false },
        branchPredictorHardening: false,
        epoch: design['sim.epoch'],
        version: BASELINES[design['xen.baseline']].version,
      });
      return new XenEl2(xen);
    },
    contextOf: (core) => {
      const v = xen.pcpus.find((p) => p.core.index === core)?.current;
      return v === undefined || v.isIdle || v.modelled ? undefined : v.name;
    },
    onExceptionLoop: (vcpu, detail) => {
      xen.errors.report('exception-loop', vcpu, detail);
      const d = xen.domain(Number(/^d(\d+)v/.exec(vcpu)?.[1]));
      if (d !== undefined) xen.crashDomain(d, 'exception loop');
    },
  });
  return { machine, xen };
}
