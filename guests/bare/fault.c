/* Report of an exception that nothing here expects. */
#include "bare.h"

static const char *class_of(u32 ec) {
  switch (ec) {
    case 0x00: return "unknown or undefined instruction";
    case 0x07: return "FP or SIMD access";
    case 0x18: return "system register access";
    case 0x20:
    case 0x21: return "instruction abort";
    case 0x22: return "PC alignment";
    case 0x24:
    case 0x25: return "data abort";
    case 0x26: return "SP alignment";
    case 0x2f: return "SError";
    default: return "exception";
  }
}

/* Called from vectors.S. kind: number of the vector, 4 = synchronous at EL1. */
__attribute__((noreturn)) void fault_report(u64 kind) {
  u64 esr = READ_SYSREG(esr_el1);
  /* ESR and FAR say nothing about an IRQ or FIQ. */
  bool has_syndrome = (kind & 3) == 0 || (kind & 3) == 3;
  const char *what = has_syndrome ? class_of((u32)(esr >> 26) & 0x3f) : "unexpected interrupt";
  fail("%s: vector %lu ESR_EL1=0x%08lx FAR_EL1=0x%016lx ELR_EL1=0x%016lx cpu %u", what, kind, esr, READ_SYSREG(far_el1),
       READ_SYSREG(elr_el1), cpu_number());
}
