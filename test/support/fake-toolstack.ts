/** The real toolstack, xenstored and xenconsoled over a fake Xen: builds guests that never run. */
import type { Domain } from '../../xen/common/domain.js';
import { Xenconsoled } from '../../xen/tools/console/xenconsoled.js';
import { createModelledDomain, writeModelledHome } from '../../xen/tools/light/modelled_domain.js';
import { SeededBytes, Toolstack } from '../../xen/tools/light/toolstack.js';
import { Xenstored } from '../../xen/tools/xenstored/xenstored.js';
import { fakeXen, type FakeXen, type FakeXenOptions } from './fake-xen.js';

export interface FakeToolstack extends FakeXen {
  toolstack: Toolstack;
  xenstored: Xenstored;
  /** What xl would have printed. */
  messages: string[];
}

/** @param drivers names of the driver domains, which get the ids from 1 on. */
export function fakeToolstack(options: FakeXenOptions, drivers: readonly string[] = []): FakeToolstack {
  const fake = fakeXen(1, undefined, options);
  const { xen } = fake;
  const make = (name: string, domid: number): ReturnType<typeof createModelledDomain> =>
    createModelledDomain(xen, {
      name,
      uuid: `00000000-0000-0000-0000-00000000000${domid}`,
      domid,
      affinity: undefined,
    });
  const dom0 = make('Domain-0', 0);
  const xenstored = new Xenstored(xen, dom0.domain);
  const consoled = new Xenconsoled(xen, dom0.domain, () => {});
  const domains = new Map<string, Domain>([['', dom0.domain]]);
  drivers.forEach((name, index) => {
    const driver = make(name, index + 1);
    domains.set(name, driver.domain);
    writeModelledHome(xenstored.store, driver);
  });
  const messages: string[] = [];
  const toolstack = new Toolstack(xen, xenstored, consoled, new SeededBytes(1n), domains, {
    onGuestEnd: (name, outcome, detail) => void messages.push(`${name} ended: ${outcome} ${detail}`),
    onReboot: () => {},
    onMessage: (line) => void messages.push(line),
  });
  xen.toolstack = toolstack;
  return { ...fake, toolstack, xenstored, messages };
}
