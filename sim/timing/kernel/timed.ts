/** True in core-approximate.wasm, which is built with `--use APPROXIMATE=1`; in the other modules this code vanishes. */
// @ts-ignore: a name that the build may define
export const TIMED: bool = isDefined(APPROXIMATE);
