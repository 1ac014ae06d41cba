import type { Scheduler, SchedulerOptions } from './sched.js';
import { Credit2 } from './sched_credit2.js';
import { NullScheduler } from './sched_null.js';
import type { Xen } from './xen.js';

/** The scheduler of all pCPUs (xen: scheduler_init(), one pool). */
export function createScheduler(xen: Xen, options: SchedulerOptions): Scheduler {
  return options.kind === 'null' ? new NullScheduler(xen) : new Credit2(xen, options.rateLimitUs);
}
