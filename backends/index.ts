/**
 * What an author of backends programs with, `import { VirtioMmio } from 'rcar-sim/backend'`: the virtio devices (pure: no
 * domain, no time), the driver domain's process loop, and the toolstack libraries below them.
 */
export * from './virtio/blk.js';
export * from './virtio/disk.js';
export * from './virtio/memory.js';
export * from './virtio/memory-disk.js';
export * from './virtio/mmio.js';
export * from './virtio/queue.js';
export { IoThread, type IoTarget } from './domd/io_thread.js';
export { IoreqSlots, type SlotRequest } from './domd/ioreq_slots.js';
export { DomdProgram, type Process } from './domd/program.js';
export { VirtioDisk, type VirtioDiskOptions } from './domd/virtio_disk.js';
export { Caller } from '../xen/tools/libs/caller.js';
export * from '../xen/tools/libs/devicemodel.js';
export * from '../xen/tools/libs/evtchn.js';
export * from '../xen/tools/libs/foreignmemory.js';
export type { TimedEvent } from '../xen/tools/libs/timer.js';
export { XsHandle } from '../xen/tools/libs/xenstore.js';
export * from '../xen/public/ioreq.js';
