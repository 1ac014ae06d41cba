/** System registers that Xen traps (xen: xen/arch/arm/arm64/vsysreg.c, cpufeature.c). */
import type { Vcpu } from '../../common/domain.js';
import type { Pcpu } from '../../common/pcpu.js';
import type { Xen } from '../../common/xen.js';
import { advancePc, injectUndef, isUser, setUserReg, userReg } from './regs.js';
import { vtimerEmulate, type PhysTimerReg } from './vtimer.js';

/** op0:op1:CRn:CRm:op2 as 2+3+4+4+3 bits. */
const enc = (op0: number, op1: number, crn: number, crm: number, op2: number): number =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;

type Behaviour =
  | { kind: 'raz' | 'wi' | 'raz-wi'; el: 0 | 1 }
  | { kind: 'ro'; el: 0 | 1; value: bigint }
  | { kind: 'id'; name: string; clear: bigint }
  | { kind: 'actlr' | 'set-way' | 'pmuserenr' }
  | { kind: 'cntp'; reg: PhysTimerReg };

const rules = new Map<number, Behaviour>();

const field = (shift: number): bigint => 0xfn << BigInt(shift);
/** Hidden from guests: MPAM, SVE, RAS, AMU; MTE, RAS_frac, MPAM_frac (xen: create_guest_cpuinfo). */
const HIDDEN: Record<string, bigint> = {
  ID_AA64PFR0_EL1: field(40) | field(32) | field(28) | field(44),
  ID_AA64PFR1_EL1: field(8) | field(12) | field(16),
  ID_PFR0_EL1: field(20) | field(28),
  ID_PFR2_EL1: field(8),
  ID_AA64ZFR0_EL1: (1n << 64n) - 1n,
};

/** Group 3 of HCR_EL2.TID3: op0 3, op1 0, CRn 0, CRm 1 to 7. Registers without an entry read as zero. */
const ID_NAMES: readonly (readonly [number, number, string])[] = [
  [1, 0, 'ID_PFR0_EL1'], [1, 1, 'ID_PFR1_EL1'], [1, 2, 'ID_DFR0_EL1'], [1, 3, 'ID_AFR0_EL1'],
  [1, 4, 'ID_MMFR0_EL1'], [1, 5, 'ID_MMFR1_EL1'], [1, 6, 'ID_MMFR2_EL1'], [1, 7, 'ID_MMFR3_EL1'],
  [2, 0, 'ID_ISAR0_EL1'], [2, 1, 'ID_ISAR1_EL1'], [2, 2, 'ID_ISAR2_EL1'], [2, 3, 'ID_ISAR3_EL1'],
  [2, 4, 'ID_ISAR4_EL1'], [2, 5, 'ID_ISAR5_EL1'], [2, 6, 'ID_MMFR4_EL1'], [2, 7, 'ID_ISAR6_EL1'],
  [3, 0, 'MVFR0_EL1'], [3, 1, 'MVFR1_EL1'], [3, 2, 'MVFR2_EL1'], [3, 4, 'ID_PFR2_EL1'],
  [3, 5, 'ID_DFR1_EL1'], [3, 6, 'ID_MMFR5_EL1'],
  [4, 0, 'ID_AA64PFR0_EL1'], [4, 1, 'ID_AA64PFR1_EL1'], [4, 4, 'ID_AA64ZFR0_EL1'],
  [5, 0, 'ID_AA64DFR0_EL1'], [5, 1, 'ID_AA64DFR1_EL1'], [5, 4, 'ID_AA64AFR0_EL1'], [5, 5, 'ID_AA64AFR1_EL1'],
  [6, 0, 'ID_AA64ISAR0_EL1'], [6, 1, 'ID_AA64ISAR1_EL1'],
  [7, 0, 'ID_AA64MMFR0_EL1'], [7, 1, 'ID_AA64MMFR1_EL1'], [7, 2, 'ID_AA64MMFR2_EL1'],
]; // prettier-ignore

for (let crm = 1; crm <= 7; crm++) {
  for (let op2 = 0; op2 <= 7; op2++) rules.set(enc(3, 0, 0, crm, op2), { kind: 'raz', el: 1 });
}
for (const [crm, op2, name] of ID_NAMES) {
  rules.set(enc(3, 0, 0, crm, op2), { kind: 'id', name, clear: HIDDEN[name] ?? 0n });
}
rules.set(enc(3, 0, 1, 0, 1), { kind: 'actlr' }); // HCR_EL2.TACR
// HCR_EL2.TSW: DC ISW, CSW, CISW
for (const crm of [6, 10, 14]) rules.set(enc(1, 0, 7, crm, 2), { kind: 'set-way' });
// MDCR_EL2.TDRA, TDOSA, TDA
rules.set(enc(2, 0, 1, 0, 0), { kind: 'raz', el: 1 }); // MDRAR
rules.set(enc(2, 0, 1, 0, 4), { kind: 'wi', el: 1 }); // OSLAR
rules.set(enc(2, 0, 1, 3, 4), { kind: 'raz-wi', el: 1 }); // OSDLR
rules.set(enc(2, 0, 1, 1, 4), { kind: 'ro', el: 1, value: 8n }); // OSLSR
rules.set(enc(2, 0, 0, 2, 2), { kind: 'raz-wi', el: 1 }); // MDSCR
rules.set(enc(2, 3, 0, 1, 0), { kind: 'raz', el: 0 }); // MDCCSR
for (let n = 0; n < 16; n++) {
  for (const op2 of [4, 5, 6, 7]) rules.set(enc(2, 0, 0, n, op2), { kind: 'raz-wi', el: 1 });
}
// MDCR_EL2.TPM: PMINTENSET/CLR, then the PMU at EL0
for (const op2 of [1, 2]) rules.set(enc(3, 0, 9, 14, op2), { kind: 'raz-wi', el: 1 });
for (let op2 = 0; op2 <= 7; op2++) rules.set(enc(3, 3, 9, 12, op2), { kind: 'raz-wi', el: 1 });
for (const op2 of [0, 1, 2]) rules.set(enc(3, 3, 9, 13, op2), { kind: 'raz-wi', el: 1 });
rules.set(enc(3, 3, 9, 14, 0), { kind: 'pmuserenr' });
rules.set(enc(3, 3, 9, 14, 3), { kind: 'raz-wi', el: 1 }); // PMOVSSET
// CNTHCTL_EL2.EL1PCEN = 0
rules.set(enc(3, 3, 14, 2, 0), { kind: 'cntp', reg: 'tval' });
rules.set(enc(3, 3, 14, 2, 1), { kind: 'cntp', reg: 'ctl' });
rules.set(enc(3, 3, 14, 2, 2), { kind: 'cntp', reg: 'cval' });

/** do_sysreg: emulates the access in ESR_EL2's ISS (Arm ARM: Op0 21:20, Op2 19:17, Op1 16:14, CRn, Rt, CRm, dir). */
export function doSysreg(xen: Xen, p: Pcpu, v: Vcpu, esr: number): void {
  const { core } = p;
  const read = (esr & 1) !== 0;
  const crm = (esr >>> 1) & 15;
  const rt = (esr >>> 5) & 31;
  const crn = (esr >>> 10) & 15;
  const op1 = (esr >>> 14) & 7;
  const op2 = (esr >>> 17) & 7;
  const op0 = (esr >>> 20) & 3;
  const rule = rules.get(enc(op0, op1, crn, crm, op2));
  const user = isUser(core);
  const undefinedAccess = (): void => injectUndef(core);
  xen.charge(p.id, 'xen.decode');
  switch (rule?.kind) {
    case undefined:
      xen.errors.report('unhandled-sysreg', v.name, `${read ? 'mrs' : 'msr'} S${op0}_${op1}_C${crn}_C${crm}_${op2}`);
      return undefinedAccess();
    case 'raz':
      if (!read || (rule.el === 1 && user)) return undefinedAccess();
      setUserReg(core, rt, 0n);
      break;
    case 'ro':
      if (!read || (rule.el === 1 && user)) return undefinedAccess();
      setUserReg(core, rt, rule.value);
      break;
    case 'wi':
      if (read || (rule.el === 1 && user)) return undefinedAccess();
      break;
    case 'raz-wi':
      if (rule.el === 1 && user) return undefinedAccess();
      if (read) setUserReg(core, rt, 0n);
      break;
    case 'id':
      if (!read || user) return undefinedAccess();
      setUserReg(core, rt, core.sys(rule.name) & ~rule.clear);
      break;
    case 'actlr':
      if (user) return undefinedAccess();
      if (read) setUserReg(core, rt, v.arch.actlr);
      break;
    case 'pmuserenr': // RO at EL0, RAZ/WI at EL1
      if (user && !read) return undefinedAccess();
      if (read) setUserReg(core, rt, 0n);
      break;
    case 'set-way':
      // p2m_set_way_flush cleans what the guest has touched; the simulated caches are coherent, only time passes.
      xen.charge(p.id, 'xen.p2mWalk');
      break;
    case 'cntp': {
      xen.charge(p.id, 'xen.vtimerEmulation');
      const value = vtimerEmulate(xen, p, v, rule.reg, read, userReg(core, rt));
      if (value === undefined) return undefinedAccess();
      if (read) setUserReg(core, rt, value);
      break;
    }
  }
  advancePc(core, esr);
}
