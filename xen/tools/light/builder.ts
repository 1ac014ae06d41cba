/** Builds a guest domain as libxl and libxc do (golden-libxl.md section 3: order, layout, start state). */
import { isElf, readElf } from '../../../formats/elf.js';
import { isArmImage, readArmImage } from '../../../formats/image.js';
import type { Domain } from '../../common/domain.js';
import { setVcpuContext } from '../../common/domctl.js';
import type { Xen } from '../../common/xen.js';
import { baselineOf } from '../../common/baselines.js';
import { initVpl011 } from '../../arch/arm/vpl011.js';
import { P2M_RAM_RW } from '../../arch/arm/p2m.js';
import {
  GUEST_MAGIC_BASE,
  GUEST_MAGIC_CONSOLE,
  GUEST_MAGIC_MEMACCESS,
  GUEST_MAGIC_VUART,
  GUEST_MAGIC_XENSTORE,
  GUEST_RAM0_BASE,
  NR_MAGIC_PAGES,
  PAGE_SIZE,
  SCTLR_GUEST_INIT,
} from '../../public/arch-arm.js';
import { HVM_PARAM } from '../../public/xen.js';
import { guestDeviceTree, ramBanks, type RamBank } from './device_tree.js';
import type { GuestConfig } from './guest_config.js';
import { placeModules } from './placement.js';
import { ToolsError } from './tools_error.js';
import { spisFor, type VirtioWindow } from './virtio_mmio.js';

const MIB = 1 << 20;
const SUPERPAGE = 512;
/** LIBXL_MAXMEM_CONSTANT, 1 MiB over the RAM: magic pages and what Xen allocates for the domain. */
const SLACK_PAGES = 256;
const GTF_PERMIT_ACCESS = 1;

/** Files and facts that go into a domain besides its configuration. */
export interface BuildInput {
  readonly kernel: Uint8Array;
  readonly ramdisk: Uint8Array | undefined;
  readonly windows: readonly VirtioWindow[];
  readonly uuid: string;
  /** 128 bytes. */
  readonly rngSeed: Uint8Array;
}

export interface BuiltDomain {
  readonly domain: Domain;
  readonly ports: { readonly store: number; readonly console: number; readonly vuart: number | undefined };
  /** SoC addresses of the ring pages. */
  readonly pages: { readonly store: number; readonly console: number; readonly vuart: number };
}

interface KernelParts {
  /** Offset of the load address in RAM bank 0, bytes, memory size, entry. */
  readonly segments: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  readonly offset: number;
  readonly size: number;
  readonly entry: number;
}

/** Image: at its text_offset; ELF: at its physical addresses. */
function kernelParts(name: string, bytes: Uint8Array): KernelParts {
  if (isElf(bytes)) {
    const elf = readElf(bytes);
    const segments = elf.segments.map((s) => ({
      address: Number(s.physical),
      bytes: s.data,
      size: Number(s.memorySize),
    }));
    const low = Math.min(...segments.map((s) => s.address));
    const high = Math.max(...segments.map((s) => s.address + s.size));
    if (segments.length === 0 || low < GUEST_RAM0_BASE) {
      throw new ToolsError(
        `kernel ${name}: its segments are not in guest RAM (from 0x${GUEST_RAM0_BASE.toString(16)})`,
      );
    }
    return { segments, offset: low - GUEST_RAM0_BASE, size: high - low, entry: Number(elf.entry) };
  }
  if (!isArmImage(bytes)) throw new ToolsError(`kernel ${name}: neither an arm64 Image nor an ELF file`);
  const image = readArmImage(bytes);
  const address = GUEST_RAM0_BASE + image.textOffset;
  return { segments: [{ address, bytes }], offset: image.textOffset, size: image.imageSize, entry: address };
}

/** Populates a bank with 2 MiB superpages, then single pages. */
function populate(xen: Xen, d: Domain, bank: RamBank): void {
  const pages = bank.size / PAGE_SIZE;
  for (let at = 0; at < pages;) {
    const order = pages - at >= SUPERPAGE ? 9 : 0;
    const count = 1 << order;
    const pa = xen.heap.allocPages(order, d.id);
    if (pa === undefined)
      throw new ToolsError(`domain ${d.name}: the board has no more memory (${bank.size / MIB} MiB wanted)`);
    xen.memory.zero(pa, count * PAGE_SIZE);
    d.totPages += count;
    if (d.p2m.map(bank.base / PAGE_SIZE + at, pa, count, P2M_RAM_RW) < 0)
      throw new ToolsError(`domain ${d.name}: its p2m pool is exhausted`);
    at += count;
  }
}

/** Copies into the guest's physical memory. */
export function writeGuest(xen: Xen, d: Domain, gpa: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const from = gpa + at;
    const n = Math.min(bytes.length - at, PAGE_SIZE - (from % PAGE_SIZE));
    const frame = xen.gfnToPa(d, Math.floor(from / PAGE_SIZE));
    if (frame === undefined) throw new ToolsError(`domain ${d.name}: 0x${from.toString(16)} is not its RAM`);
    xen.memory.write(frame + (from % PAGE_SIZE), bytes.subarray(at, at + n));
    at += n;
  }
}

/** Domain, RAM, kernel, initrd, device tree, magic pages, parameters, first vCPU. It stays paused. Throws ToolsError. */
export function buildDomain(xen: Xen, config: GuestConfig, input: BuildInput): BuiltDomain {
  const baseline = baselineOf(xen);
  const kernel = kernelParts(config.kernel, input.kernel);
  const banks = ramBanks(config.memoryMiB * MIB);
  const fdt = (initrd: { start: number; end: number } | undefined): Uint8Array =>
    guestDeviceTree({
      version: xen.options.version,
      cmdline: config.cmdline,
      initrd,
      vcpuMpidrs: Array.from({ length: config.maxVcpus ?? config.vcpus }, (_, i) => i),
      banks,
      vuart: config.vuart,
      windows: input.windows,
      rngSeed: baseline.rngSeed ? input.rngSeed : undefined,
      extendedRegions: baseline.extendedRegions,
      clockFrequency: undefined,
    });
  const fdtSize = fdt(input.ramdisk === undefined ? undefined : { start: 0, end: 0 }).length;
  const placed = placeModules(banks[0]!.size, kernel.offset, kernel.size, input.ramdisk?.length ?? 0, fdtSize);

  const maxVcpus = config.maxVcpus ?? config.vcpus;
  const domain = xen.createDomain({
    name: config.name,
    uuid: input.uuid,
    kind: 'guest',
    options: {
      maxVcpus,
      nrSpis: spisFor(config, input.windows, xen.options.baseline),
      vpl011: config.vuart,
      // libxl_get_required_paging_memory: 4 KiB for each 256 of a vCPU, each MiB, and 128.
      p2mPoolPages: baseline.p2mPool ? 256 * maxVcpus + config.memoryMiB + 128 : undefined,
      maxPages: (config.memoryMiB * MIB) / PAGE_SIZE + SLACK_PAGES,
      ...(config.cpuWeight === undefined ? {} : { weight: config.cpuWeight }),
      ...(config.cpus === undefined ? {} : { affinity: [...config.cpus] }),
    },
  });
  // The order of ports is what the guest sees: 1 xenstore, 2 console.
  const store = xen.evtchn.allocUnbound(domain, 0);
  const console = xen.evtchn.allocUnbound(domain, 0);
  for (const bank of banks) populate(xen, domain, bank);
  for (const segment of kernel.segments) writeGuest(xen, domain, segment.address, segment.bytes);
  if (placed.initrd !== undefined && input.ramdisk !== undefined)
    writeGuest(xen, domain, placed.initrd.start, input.ramdisk);
  writeGuest(xen, domain, placed.deviceTree, fdt(placed.initrd));
  populate(xen, domain, { base: GUEST_MAGIC_BASE, size: NR_MAGIC_PAGES * PAGE_SIZE });
  for (const [index, value] of [
    [HVM_PARAM.CONSOLE_PFN, GUEST_MAGIC_CONSOLE / PAGE_SIZE],
    [HVM_PARAM.STORE_PFN, GUEST_MAGIC_XENSTORE / PAGE_SIZE],
    [HVM_PARAM.MONITOR_RING_PFN, GUEST_MAGIC_MEMACCESS / PAGE_SIZE],
    [HVM_PARAM.CONSOLE_EVTCHN, console],
    [HVM_PARAM.STORE_EVTCHN, store],
  ] as const) {
    domain.hvmParams.set(index, BigInt(value));
  }
  grantToDom0(xen, domain, 0, GUEST_MAGIC_CONSOLE / PAGE_SIZE);
  grantToDom0(xen, domain, 1, GUEST_MAGIC_XENSTORE / PAGE_SIZE);
  setVcpuContext(
    xen,
    domain.vcpus[0]!,
    {
      pc: BigInt(kernel.entry),
      x0: BigInt(placed.deviceTree),
      pstate: baseline.initialPsr,
      sctlr: SCTLR_GUEST_INIT,
      ttbr0: 0n,
      ttbr1: 0n,
      tcr: 0n,
    },
    true,
  );
  const vuart = config.vuart ? initVpl011(xen, domain, GUEST_MAGIC_VUART / PAGE_SIZE, 0) : undefined;
  if (vuart !== undefined && vuart < 0) throw new ToolsError(`domain ${config.name}: vuart: error ${vuart}`);
  const page = (gpa: number): number => xen.gfnToPa(domain, gpa / PAGE_SIZE)!;
  return {
    domain,
    ports: { store, console, vuart },
    pages: { store: page(GUEST_MAGIC_XENSTORE), console: page(GUEST_MAGIC_CONSOLE), vuart: page(GUEST_MAGIC_VUART) },
  };
}

/** xc_dom_gnttab_seed: the grants that the daemons of Dom0 use. */
function grantToDom0(xen: Xen, d: Domain, ref: number, gfn: number): void {
  if (xen.gnttab.frame(d, 0) < 0) throw new ToolsError(`domain ${d.name}: no memory for its grant table`);
  const entry = xen.gnttab.entryPa(d, ref)!;
  xen.memory.write16(entry + 2, 0);
  xen.memory.write32(entry + 4, gfn);
  xen.memory.write16(entry, GTF_PERMIT_ACCESS);
}
