/** What run() does after a case of its switch that ended with `break`: the value of its local `act`. */
export const ACT_JUMP = 0;
export const ACT_RESYNC = 1;
export const ACT_MEMORY = 2;
export const ACT_DECODE = 3;
export const ACT_SYSTEM = 4;
export const ACT_ZERO = 5;
export const ACT_FP_TRAP = 6;
export const ACT_SP_FAULT = 7;
export const ACT_REGION = 8;

/**
 * How a region ends (bits 3:0 of its result): a value below OUT_JUMP leaves the PC in a page whose fetch has been
 * checked; 2 to 7 are an ACT_* to do with the micro-op there.
 */
/** The interpreter goes on at the PC. */
export const OUT_GO_ON = 0;
/** A backward branch to the PC within its page was taken: a check point. */
export const OUT_CHECK = 1;
/** A branch to the PC in another page was taken forwards: not a check point. */
export const OUT_JUMP = 8;
/** The same backwards or by the end of a page: a check point. */
export const OUT_JUMP_DUE = 9;
/** An indirect branch to the address at REGION_PC was taken. */
export const OUT_INDIRECT = 10;
