/* What every file needs: types, device access, barriers, system registers, interrupts, the memory functions of GCC. */
#ifndef BARE_H
#define BARE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* One plain load or store: without a base update the syndrome of a stage-2 abort is valid (Arm ARM D17.2.37, ISV). */
static inline u32 mmio_read(u64 address) {
  u32 value;
  asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}

static inline void mmio_write(u64 address, u32 value) {
  asm volatile("str %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

static inline void mmio_write8(u64 address, u32 value) {
  asm volatile("strb %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

#define READ_SYSREG(name)                                                                                              \
  ({                                                                                                                   \
    u64 sysreg_value;                                                                                                  \
    asm volatile("mrs %0, " #name : "=r"(sysreg_value) : : "memory");                                                  \
    sysreg_value;                                                                                                      \
  })
#define WRITE_SYSREG(name, value) asm volatile("msr " #name ", %x0\n\tisb" : : "rZ"((u64)(value)) : "memory")

#define dmb_ish() asm volatile("dmb ish" : : : "memory")
#define dsb_sy() asm volatile("dsb sy" : : : "memory")
#define wfi() asm volatile("dsb sy\n\twfi" : : : "memory")
#define cpu_yield() asm volatile("yield" : : : "memory")
#define irq_disable() asm volatile("msr daifset, #2" : : : "memory")
#define irq_enable() asm volatile("msr daifclr, #2\n\tisb" : : : "memory")

static inline u32 cpu_number(void) { return (u32)READ_SYSREG(tpidr_el1); }

/* Text on the console; %s, %c, %u, %x and with l or 08 between: %lu, %lx, %08x, %016lx. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints "bare: FAIL " and the text, then powers the machine off. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void *memset(void *to, int value, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
bool same_text(const char *a, const char *b);

/* Never returns; a run that ends in any other way than `fail` or power-off is a defect. */
void secondary_main(u64 number) __attribute__((noreturn));

#endif
