/** The Xen version that a process finds itself on. */
export { baselineOf } from '../../common/baselines.js';
