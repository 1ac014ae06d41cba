/** A hypervisor with all its parts. */
import { archIoreq } from './arch/arm/ioreq.js';
import { EventChannels } from './common/event_channel.js';
import { GrantTables } from './common/grant_table.js';
import { hypercallTable, registerPollTimer } from './common/hypercalls.js';
import { Ioreq } from './common/ioreq.js';
import { Xen, type XenHardware, type XenOptions } from './common/xen.js';

export function createXen(hardware: XenHardware, options: XenOptions): Xen {
  const xen = new Xen(hardware, options);
  xen.evtchn = new EventChannels(xen);
  xen.gnttab = new GrantTables(xen);
  xen.ioreq = new Ioreq(xen, archIoreq(xen));
  xen.hypercalls = hypercallTable(options.ioreqServer);
  registerPollTimer(xen);
  return xen;
}
