/** What run() does after a case of its switch that ended with `break`: the value of its local `act`. */
export const ACT_JUMP = 0;
export const ACT_RESYNC = 1;
export const ACT_MEMORY = 2;
export const ACT_DECODE = 3;
export const ACT_SYSTEM = 4;
export const ACT_ZERO = 5;
export const ACT_FP_TRAP = 6;
export const ACT_SP_FAULT = 7;
