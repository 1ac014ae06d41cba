/** Dom0 and driver domains: domains whose software is modelled. They have a little RAM, one vCPU and room for foreign pages. */
import { P2M_RAM_RW } from '../../arch/arm/p2m.js';
import { DomainError, unpauseByController, type DomainConfig } from '../../common/domctl.js';
import { VPF_DOWN, type Domain, type ModelledProgram } from '../../common/domain.js';
import type { Xen } from '../../common/xen.js';
import { GUEST_RAM0_BASE, PAGE_SIZE } from '../../public/arch-arm.js';
import { Caller } from '../libs/caller.js';
import { BalloonedSpace, UnpopulatedSpace } from '../libs/foreignmemory.js';
import type { Store } from '../xenstored/store.js';
import { ToolsError } from './tools_error.js';

const RAM_PAGES = 16;
/** Guest-physical layout: hypercall arguments, then shared_info, then free RAM. */
const SCRATCH = GUEST_RAM0_BASE;
export const MODELLED_SHARED_INFO = GUEST_RAM0_BASE + PAGE_SIZE;
const EXTENDED_REGION = 0x5000_0000;
const EXTENDED_PAGES = 0x10000;

export interface ModelledDomain {
  readonly domain: Domain;
  readonly caller: Caller;
  readonly space: UnpopulatedSpace;
}

export interface ModelledDomainConfig {
  readonly name: string;
  readonly uuid: string;
  /** 0: the control domain. */
  readonly domid: number | undefined;
  readonly affinity: number[] | undefined;
  /** A policy allows it to be an emulator; the control domain needs none. */
  readonly mayEmulate?: boolean;
  /** RAM that its kernel may give up for foreign pages, in pages; without it they go where no RAM is. */
  readonly balloonPages?: number;
  /** Size of the pool for its stage-2 tables in pages; without it they come from Xen's heap. */
  readonly p2mPoolPages?: number;
}

/** Creates it, paused. Throws ToolsError. */
export function createModelledDomain(xen: Xen, config: ModelledDomainConfig): ModelledDomain {
  const domain = create(xen, config.name, {
    name: config.name,
    uuid: config.uuid,
    kind: 'modelled',
    isControl: config.domid === 0,
    ...(config.domid === undefined ? {} : { domid: config.domid }),
    options: {
      maxVcpus: 1,
      deviceModelPrivilege: config.mayEmulate ?? true,
      ...(config.affinity === undefined ? {} : { affinity: config.affinity }),
      ...(config.p2mPoolPages === undefined ? {} : { p2mPoolPages: config.p2mPoolPages }),
    },
  });
  const { balloonPages } = config;
  for (let i = 0; i < RAM_PAGES + (balloonPages ?? 0); i++) {
    const pa = xen.heap.allocPages(0, domain.id);
    if (pa === undefined) throw new ToolsError(`domain ${config.name}: the board has no memory left`);
    xen.memory.zero(pa, PAGE_SIZE);
    domain.totPages++;
    if (domain.p2m.map(GUEST_RAM0_BASE / PAGE_SIZE + i, pa, 1, P2M_RAM_RW) < 0) {
      throw new ToolsError(`domain ${config.name}: its p2m pool is too small for its RAM`);
    }
  }
  const caller = new Caller(xen, domain, SCRATCH);
  const space =
    balloonPages === undefined
      ? new UnpopulatedSpace(EXTENDED_REGION / PAGE_SIZE, EXTENDED_PAGES)
      : new BalloonedSpace(GUEST_RAM0_BASE / PAGE_SIZE + RAM_PAGES, balloonPages, caller);
  return { domain, caller, space };
}

function create(xen: Xen, name: string, config: DomainConfig): Domain {
  try {
    return xen.createDomain(config);
  } catch (error) {
    if (error instanceof DomainError) throw new ToolsError(`domain ${name}: ${error.message}`);
    throw error;
  }
}

/** Gives it its software and lets it run. */
export function startModelledDomain(xen: Xen, { domain }: ModelledDomain, program: ModelledProgram): void {
  const v = domain.vcpus[0]!;
  v.program = program;
  v.isInitialised = true;
  v.pauseFlags &= ~VPF_DOWN;
  unpauseByController(xen, domain);
}

/** Its home in xenstore, where its backends' nodes go. */
export function writeModelledHome(store: Store, { domain }: ModelledDomain): void {
  const home = `/local/domain/${domain.id}`;
  const perms = [
    { access: 'n' as const, domid: 0 },
    { access: 'r' as const, domid: domain.id },
  ];
  for (const [path, value] of [
    ['', ''],
    ['/name', domain.name],
    ['/domid', String(domain.id)],
  ] as const) {
    store.write(0, home + path, value);
    store.setPerms(0, home + path, perms);
  }
}
