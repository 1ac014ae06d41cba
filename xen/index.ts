/**
 * The hypervisor model and the toolstack, piece by piece, for those who compose a system of their own or look into one:
 * `import { createXen } from 'rcar-sim/xen'`. A whole system is `createXenSimulation` of the package's root.
 */
export * from './public/arch-arm.js';
export * from './public/errno.js';
export * from './public/ioreq.js';
export * from './public/xen.js';
export { xenHardware } from './arch/arm/adapter.js';
export { XenEl2 } from './arch/arm/el2.js';
export { BASELINES } from './common/baselines.js';
export { BLOCKED, Domain, Vcpu, type Blocked } from './common/domain.js';
export type { Scheduler, SchedulerOptions } from './common/sched.js';
export type { HypercallContext, HypercallHandler, Xen, XenHardware, XenOptions, XenService } from './common/xen.js';
export { createXen } from './create.js';
export { Xenconsoled, type ConsoleKind } from './tools/console/xenconsoled.js';
export * from './tools/light/guest_config.js';
export { createModelledDomain, startModelledDomain, writeModelledHome } from './tools/light/modelled_domain.js';
export { ToolsError } from './tools/light/tools_error.js';
export { SeededBytes, Toolstack, type GuestOutcome } from './tools/light/toolstack.js';
export { Xenstored } from './tools/xenstored/xenstored.js';
export { readGuestConfig, type ParsedGuest } from './tools/xl/config.js';
