/*
 * Executes single FP/AdvSIMD instructions from given register states and reports the states after them. Built static for
 * AArch64 Linux and run under qemu-aarch64 (or on hardware). Reads cases from stdin, writes results to stdout.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

struct state {
  uint32_t insn; /* result: 1 if SIGILL */
  uint32_t fpcr;
  uint32_t fpsr;
  uint32_t nzcv;
  uint64_t x[32];
  uint8_t v[512];
};

#define MAX_CASES 65536
/* One slot per case: the instruction and a branch back; never rewritten, so translations stay valid. */
static uint32_t slots[MAX_CASES * 2] __attribute__((aligned(65536)));
static volatile int illegal;
extern void run_case(const struct state *in, struct state *out, void *slot);
extern char case_done[];

__asm__(
    ".text\n.global run_case\n.global case_done\n.type run_case,%function\n"
    "run_case:\n"
    "  sub sp, sp, #288\n"
    "  stp x19, x20, [sp, #0]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n  stp x25, x26, [sp, #48]\n"
    "  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n"
    "  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n  str x1, [sp, #160]\n"
    "  mov x30, x2\n"
    "  ldr w3, [x0, #4]\n  msr fpcr, x3\n  ldr w3, [x0, #8]\n  msr fpsr, x3\n  ldr w3, [x0, #12]\n  msr nzcv, x3\n"
    "  ldp q0, q1, [x0, #272]\n  ldp q2, q3, [x0, #304]\n  ldp q4, q5, [x0, #336]\n  ldp q6, q7, [x0, #368]\n"
    "  ldp q8, q9, [x0, #400]\n  ldp q10, q11, [x0, #432]\n  ldp q12, q13, [x0, #464]\n  ldp q14, q15, [x0, #496]\n"
    "  ldp q16, q17, [x0, #528]\n  ldp q18, q19, [x0, #560]\n  ldp q20, q21, [x0, #592]\n"
    "  ldp q22, q23, [x0, #624]\n  ldp q24, q25, [x0, #656]\n  ldp q26, q27, [x0, #688]\n"
    "  ldp q28, q29, [x0, #720]\n  ldp q30, q31, [x0, #752]\n"
    "  ldr x1, [x0, #24]\n  ldp x2, x3, [x0, #32]\n  ldp x4, x5, [x0, #48]\n  ldp x6, x7, [x0, #64]\n"
    "  ldp x8, x9, [x0, #80]\n  ldp x10, x11, [x0, #96]\n  ldp x12, x13, [x0, #112]\n  ldp x14, x15, [x0, #128]\n"
    "  ldp x16, x17, [x0, #144]\n  ldp x18, x19, [x0, #160]\n  ldp x20, x21, [x0, #176]\n"
    "  ldp x22, x23, [x0, #192]\n  ldp x24, x25, [x0, #208]\n  ldp x26, x27, [x0, #224]\n"
    "  ldp x28, x29, [x0, #240]\n  ldr x0, [x0, #16]\n"
    "  br x30\n"
    "case_done:\n"
    "  stp x0, x1, [sp, #176]\n  ldr x0, [sp, #160]\n"
    "  stp x2, x3, [x0, #32]\n  stp x4, x5, [x0, #48]\n  stp x6, x7, [x0, #64]\n  stp x8, x9, [x0, #80]\n"
    "  stp x10, x11, [x0, #96]\n  stp x12, x13, [x0, #112]\n  stp x14, x15, [x0, #128]\n  stp x16, x17, [x0, #144]\n"
    "  stp x18, x19, [x0, #160]\n  stp x20, x21, [x0, #176]\n  stp x22, x23, [x0, #192]\n"
    "  stp x24, x25, [x0, #208]\n  stp x26, x27, [x0, #224]\n  stp x28, x29, [x0, #240]\n"
    "  ldp x2, x3, [sp, #176]\n  stp x2, x3, [x0, #16]\n"
    "  mrs x3, fpcr\n  str w3, [x0, #4]\n  mrs x3, fpsr\n  str w3, [x0, #8]\n  mrs x3, nzcv\n  str w3, [x0, #12]\n"
    "  stp q0, q1, [x0, #272]\n  stp q2, q3, [x0, #304]\n  stp q4, q5, [x0, #336]\n  stp q6, q7, [x0, #368]\n"
    "  stp q8, q9, [x0, #400]\n  stp q10, q11, [x0, #432]\n  stp q12, q13, [x0, #464]\n  stp q14, q15, [x0, #496]\n"
    "  stp q16, q17, [x0, #528]\n  stp q18, q19, [x0, #560]\n  stp q20, q21, [x0, #592]\n"
    "  stp q22, q23, [x0, #624]\n  stp q24, q25, [x0, #656]\n  stp q26, q27, [x0, #688]\n"
    "  stp q28, q29, [x0, #720]\n  stp q30, q31, [x0, #752]\n"
    "  msr fpcr, xzr\n"
    "  ldp x19, x20, [sp, #0]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n  ldp x25, x26, [sp, #48]\n"
    "  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n"
    "  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #288\n  ret\n");

static void on_sigill(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  illegal = 1;
  ((ucontext_t *)context)->uc_mcontext.pc = (uint64_t)case_done;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_sigill, .sa_flags = SA_SIGINFO};
  static struct state in[MAX_CASES];
  size_t count = fread(in, sizeof in[0], MAX_CASES, stdin);
  if (sigaction(SIGILL, &action, NULL) != 0) return 1;
  if (mprotect(slots, sizeof slots, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return 2;
  for (size_t i = 0; i < count; i++) {
    int64_t distance = (int64_t)case_done - (int64_t)&slots[2 * i + 1];
    slots[2 * i] = in[i].insn;
    slots[2 * i + 1] = 0x14000000u | ((uint32_t)(distance >> 2) & 0x3ffffff);
  }
  __builtin___clear_cache((char *)slots, (char *)(slots + 2 * count));
  for (size_t i = 0; i < count; i++) {
    struct state out = {0};
    illegal = 0;
    run_case(&in[i], &out, &slots[2 * i]);
    out.insn = illegal;
    if (fwrite(&out, sizeof out, 1, stdout) != 1) return 3;
  }
  return 0;
}
