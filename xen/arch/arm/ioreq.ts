/** Completion of a forwarded access (xen: xen/arch/arm/ioreq.c). */
import type { Vcpu } from '../../common/domain.js';
import type { ArchIoreq } from '../../common/ioreq.js';
import type { Xen } from '../../common/xen.js';
import { baselineOf } from '../../common/baselines.js';
import { STATE_IOREQ_NONE, STATE_IORESP_READY } from '../../public/ioreq.js';
import { dataAbort, maskToSize, signExtend } from './decode.js';
import type { XenCore } from './hardware.js';
import { advancePc, isUser, setUserReg } from './regs.js';

/** The Arm part that xen/common/ioreq.ts calls. */
export function archIoreq(xen: Xen): ArchIoreq {
  return { completeMmio: (v, pcpu) => completeMmio(xen, v, pcpu) };
}

/**
 * arch_ioreq_complete_mmio and handle_ioserv: write the loaded register, advance the PC. Size, register and direction come
 * from the saved syndrome; for a decoded (ISV = 0) access these fields are zero, as upstream has it.
 */
function completeMmio(xen: Xen, v: Vcpu, pcpu: number): boolean {
  const { io } = v;
  if (io.req.state !== STATE_IORESP_READY) {
    xen.errors.report('ioreq-completion-state', v.name, `state ${io.req.state}`);
    return false;
  }
  xen.charge(pcpu, 'xen.completion');
  const { core } = xen.pcpus[pcpu]!;
  const dabt = dataAbort(io.esr);
  io.req.state = STATE_IOREQ_NONE;
  if (!dabt.write) {
    // Before 01343f99de what the emulator left above the access size reached the register.
    const data = baselineOf(xen).maskData ? maskToSize(io.req.data, dabt.size) : io.req.data;
    setUserReg(core, dabt.reg, signExtend(data, dabt.size, dabt.sign));
  }
  if (io.decoded) applyWriteback(core, io.decoded);
  advancePc(core, io.esr);
  return true;
}

/** Base-register update of a post-indexed access (finalize_instr_emulation); base 31 is the stack pointer in use. */
export function applyWriteback(core: XenCore, writeback: { rn: number; imm: number }): void {
  const { rn, imm } = writeback;
  if (rn !== 31) {
    core.setX(rn, BigInt.asUintN(64, core.x(rn) + BigInt(imm)));
    return;
  }
  const name = isUser(core) || (core.sys('SPSR_EL2') & 1n) === 0n ? 'SP_EL0' : 'SP_EL1';
  core.setSys(name, BigInt.asUintN(64, core.sys(name) + BigInt(imm)));
}
