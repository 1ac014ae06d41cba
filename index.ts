/** The public API: boards, simulations, reports. The command line, benchmarks and library users see only this. */
export * from './boards/index.js';
export {
  coreNames,
  createBareSimulation,
  descriptorReads,
  simulationFacts,
  streamTrace,
  traceTail,
  type BareOptions,
  type Simulation,
} from './simulation.js';
export { createFlatMachine, type FlatMachine, type FlatMachineOptions } from './sim/machine/flat.js';
export { LoadError } from './sim/machine/load.js';
export { Machine, type MachineOptions, type RunStatus } from './sim/machine/machine.js';
export type { InputRecord } from './sim/machine/input-log.js';
export type { Outcome, OutcomeName } from './sim/machine/outcome.js';
export { loadSnapshot, readSnapshotHeader, saveSnapshot, SnapshotError } from './sim/machine/snapshot.js';
export { NEVER, ticksToNs, type Ticks } from './sim/machine/time.js';
export { jsonLine, readTrace, readTraceHeader, type TraceHeader, type TraceRecord } from './sim/trace/writer.js';
export * from './report/index.js';
export { registerName } from './backends/virtio/mmio.js';
export {
  FormatError,
  isArmImage,
  isElf,
  readArmImage,
  readElf,
  readFdt,
  writeFdt,
  writeCpio,
  type CpioEntry,
} from './formats/index.js';
export { readGuestConfig, type ParsedGuest } from './xen/tools/xl/config.js';
export type { GuestConfig, VirtioDisk } from './xen/tools/light/guest_config.js';
export { createXenSimulation, type XenSimulation, type XenSimulationOptions } from './xen-simulation.js';
export { ToolsError } from './xen/tools/light/tools_error.js';
export { DiskImageError, type Disk } from './backends/virtio/disk.js';
export { MemoryDisk } from './backends/virtio/memory-disk.js';
export { bareGuest } from './guests/bare/config.js';
export { placementOf, type Placement } from './placement.js';
export { decodeIoreq, RequestRunner, type IoreqSlot, type PendingRequest } from './requests.js';
export type { CompletedRequest, RequestStep } from './sim/trace/ledger.js';
