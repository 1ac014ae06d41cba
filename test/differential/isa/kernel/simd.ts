// FP and AdvSIMD execution as a module of its own, for tests.
export { simdDecode } from '../../../../sim/cpu/kernel/gen/simd';
export { simdExec, simdUsesFlags } from '../../../../sim/cpu/kernel/simd/exec';
export { setFpFastPath } from '../../../../sim/cpu/kernel/fp/fast';
