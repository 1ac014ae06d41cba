/*
 * Executes cases of the ISA comparison at EL0 and reports what they left. Static and without a C library, so that a case
 * may change any register: built by qemu.ts, run under qemu-aarch64 (or on hardware). One signal handler does it all: a
 * signal ends a case, its frame receives the state before the next one, and sigreturn starts that.
 *
 * Input: the header, the initial memory (MEMORY_BYTES), the cases. Output per case: struct result, then the 16-byte
 * blocks of memory that changed, each after its offset. All offsets are those of test/differential/isa/state.ts.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ucontext.h>

#define MAGIC 0x33415349u
#define CODE 0x1234400000ul
#define CODE_BYTES 0x200000ul
#define DATA 0x5a9bc07000ul
#define WRITABLE_BYTES 0x2000ul
#define MEMORY_BYTES 0x3000ul
#define MAX_WORDS 31
#define BRK 0xd4200000u
#define OUT_BYTES 0x100000ul
#define ALARM_SECONDS 10

enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20 };

struct header {
  uint32_t magic;
  uint32_t count;
};

struct state {
  uint64_t x[31];
  uint64_t sp;
  uint32_t nzcv;
  uint32_t fpcr;
  uint32_t fpsr;
  uint32_t zero;
  uint64_t tpidr;
  uint64_t pc;
  __uint128_t v[32];
};

struct test_case {
  uint32_t count;
  uint32_t words[MAX_WORDS];
  struct state before;
};

struct result {
  uint32_t signal;
  uint32_t blocks;
  uint64_t address;
  struct state after;
};

struct block {
  uint64_t offset;
  uint64_t bytes[2];
};

_Static_assert(sizeof(struct state) == 800, "state.ts has the same layout");

static struct header head;
static const struct test_case *cases;
static const uint64_t *pristine;
static uint32_t current;
static uint8_t out[OUT_BYTES];
static size_t out_used;
static uint8_t stack[65536] __attribute__((aligned(16)));

static long call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

static void leave(long status) {
  for (;;) call(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

static void flush(void) {
  for (size_t done = 0; done < out_used;) {
    long n = call(__NR_write, 1, (long)(out + done), (long)(out_used - done), 0, 0, 0);
    if (n <= 0) leave(20);
    done += (size_t)n;
  }
  out_used = 0;
}

static void read_all(void *to, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    long n = call(__NR_read, 0, (long)((char *)to + done), (long)(bytes - done), 0, 0, 0);
    if (n <= 0) leave(21);
    done += (size_t)n;
  }
}

static void *map(uint64_t at, size_t bytes, int flags) {
  long p = call(__NR_mmap, (long)at, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (p < 0 || (at != 0 && (uint64_t)p != at)) leave(22);
  return (void *)p;
}

static struct fpsimd_context *vectors(ucontext_t *context) {
  struct _aarch64_ctx *record = (struct _aarch64_ctx *)context->uc_mcontext.__reserved;
  while (record->magic != FPSIMD_MAGIC) {
    if (record->magic == 0) leave(23);
    record = (struct _aarch64_ctx *)((char *)record + record->size);
  }
  return (struct fpsimd_context *)record;
}

/* Appends the result; puts the memory back as it was. */
static void report(int signal, uint64_t address, ucontext_t *context) {
  if (out_used + sizeof(struct result) + WRITABLE_BYTES / 16 * sizeof(struct block) > OUT_BYTES) flush();
  struct result *result = (struct result *)(out + out_used);
  mcontext_t *registers = &context->uc_mcontext;
  struct fpsimd_context *fp = vectors(context);
  result->signal = (uint32_t)signal;
  result->address = address;
  for (int i = 0; i < 31; i++) result->after.x[i] = registers->regs[i];
  result->after.sp = registers->sp;
  result->after.pc = registers->pc;
  result->after.nzcv = (uint32_t)registers->pstate & 0xf0000000u;
  result->after.fpcr = fp->fpcr;
  result->after.fpsr = fp->fpsr;
  result->after.zero = 0;
  __asm__ volatile("mrs %0, tpidr_el0" : "=r"(result->after.tpidr));
  for (int i = 0; i < 32; i++) result->after.v[i] = fp->vregs[i];
  uint32_t blocks = 0;
  struct block *block = (struct block *)(result + 1);
  uint64_t *memory = (uint64_t *)DATA;
  for (size_t i = 0; i < WRITABLE_BYTES / 8; i += 2) {
    if (memory[i] == pristine[i] && memory[i + 1] == pristine[i + 1]) continue;
    block[blocks].offset = i * 8;
    block[blocks].bytes[0] = memory[i];
    block[blocks++].bytes[1] = memory[i + 1];
    memory[i] = pristine[i];
    memory[i + 1] = pristine[i + 1];
  }
  result->blocks = blocks;
  out_used += sizeof *result + blocks * sizeof *block;
}

static void begin(const struct state *before, ucontext_t *context) {
  mcontext_t *registers = &context->uc_mcontext;
  struct fpsimd_context *fp = vectors(context);
  for (int i = 0; i < 31; i++) registers->regs[i] = before->x[i];
  registers->sp = before->sp;
  registers->pc = before->pc;
  registers->pstate = before->nzcv;
  fp->fpcr = before->fpcr;
  fp->fpsr = before->fpsr;
  for (int i = 0; i < 32; i++) fp->vregs[i] = before->v[i];
  __asm__ volatile("msr tpidr_el0, %0\n  clrex" : : "r"(before->tpidr));
}

/* A case that is still the same one after two alarms does not end. */
static int hangs(void) {
  static uint32_t seen = ~0u;
  if (seen == current) return 1;
  seen = current;
  return 0;
}

static void on_signal(int signal, siginfo_t *info, ucontext_t *context) {
  static int started;
  if (signal == SIGALRM && !hangs()) return;
  if (started) {
    report(signal, (uint64_t)info->si_addr, context);
    current++;
  }
  started = 1;
  if (current == head.count) {
    flush();
    leave(0);
  }
  begin(&cases[current].before, context);
}

static void place_code(void) {
  uint32_t *code = map(CODE, CODE_BYTES, MAP_FIXED);
  for (size_t i = 0; i < CODE_BYTES / 4; i++) code[i] = BRK;
  for (uint32_t i = 0; i < head.count; i++) {
    uint32_t *words = (uint32_t *)cases[i].before.pc;
    for (uint32_t j = 0; j < cases[i].count; j++) words[j] = cases[i].words[j];
  }
  call(__NR_mprotect, CODE, CODE_BYTES, PROT_READ | PROT_EXEC, 0, 0, 0);
}

static void place_data(void) {
  uint64_t *memory = map(DATA, MEMORY_BYTES, MAP_FIXED);
  for (size_t i = 0; i < MEMORY_BYTES / 8; i++) memory[i] = pristine[i];
  call(__NR_mprotect, DATA + WRITABLE_BYTES, MEMORY_BYTES - WRITABLE_BYTES, PROT_READ, 0, 0, 0);
}

__attribute__((used)) static void runner(void) {
  struct {
    void *handler;
    uint64_t flags;
    void *restorer;
    uint64_t mask;
  } action = {on_signal, SA_SIGINFO | SA_ONSTACK, 0, ~0ul};
  struct {
    void *sp;
    int flags;
    size_t size;
  } alternate = {stack, 0, sizeof stack};
  static const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGSEGV, SIGALRM};
  static const uint64_t alarm[] = {ALARM_SECONDS, 0, ALARM_SECONDS, 0};
  read_all(&head, sizeof head);
  if (head.magic != MAGIC) leave(24);
  pristine = map(0, MEMORY_BYTES, 0);
  read_all((void *)pristine, MEMORY_BYTES);
  size_t bytes = head.count * sizeof(struct test_case);
  cases = map(0, bytes + 1, 0);
  read_all((void *)cases, bytes);
  place_code();
  place_data();
  if (call(__NR_sigaltstack, (long)&alternate, 0, 0, 0, 0, 0) < 0) leave(25);
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    if (call(__NR_rt_sigaction, signals[i], (long)&action, 0, 8, 0, 0) < 0) leave(26);
  }
  if (call(__NR_setitimer, 0, (long)alarm, 0, 0, 0, 0) < 0) leave(27);
  __asm__ volatile("brk #1");
  leave(28);
}

__asm__(".text\n.global _start\n_start:\n  mov x29, xzr\n  mov x30, xzr\n  bl runner\n");
