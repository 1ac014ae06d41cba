/** Time as a process of a domain sees it (timerfd). */
export type { TimedEvent } from '../../../sim/machine/events.js';
