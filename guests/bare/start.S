// Entry of the boot CPU (as a Linux kernel: x0 = device tree, MMU off) and of the others (x0 = CPU number, from
// PSCI CPU_ON). Linux Documentation/arch/arm64/booting.rst; PSCI: Arm DEN0022.
#include "layout.h"

.section .head, "ax"
.global _start
_start:
    b boot_cpu
    .long 0
    .quad 0                     // text_offset
    .quad _image_size           // with the zero-initialised data
    .quad 0xa                   // little endian, 4 KiB pages, anywhere in RAM
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

.text
boot_cpu:
    mov x19, x0
    bl drop_to_el1
    mov x20, #0
    bl cpu_state
    adrp x0, _bss
    add x0, x0, :lo12:_bss
    adrp x1, _end
    add x1, x1, :lo12:_end
1:  stp xzr, xzr, [x0], #16
    cmp x0, x1
    b.lo 1b
    mov x0, x19
    bl bare_main
halt:
    wfi
    b halt

.global secondary_entry
secondary_entry:
    mov x20, x0
    bl drop_to_el1
    bl cpu_state
    // No load or store before the MMU is on: what the boot CPU wrote may be in its cache only.
    bl mmu_enable
    mov x0, x20
    bl secondary_main
    b halt

// x20 = CPU number: vectors, number and stack of this CPU. EL1, stack pointer of EL1.
cpu_state:
    msr spsel, #1
    adrp x0, vectors
    add x0, x0, :lo12:vectors
    msr vbar_el1, x0
    msr tpidr_el1, x20
    adrp x0, stacks
    add x0, x0, :lo12:stacks
    add x1, x20, #1
    mov x2, #STACK_BYTES
    madd x0, x1, x2, x0
    mov sp, x0
    isb
    ret

// Returns at EL1 with interrupts masked and the MMU off, whether the firmware entered at EL2 or EL1.
drop_to_el1:
    msr daifset, #0xf
    ldr x1, =SCTLR_OFF
    mrs x0, CurrentEL
    cmp x0, #(2 << 2)
    b.eq 1f
    msr sctlr_el1, x1
    isb
    ret
1:  msr sctlr_el1, x1
    mov x0, #(1 << 31)          // HCR_EL2.RW: EL1 is AArch64
    msr hcr_el2, x0
    mov x0, #3                  // CNTHCTL_EL2: EL1 may use the physical counter and timer
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr
    mov x0, #0x33ff             // CPTR_EL2: nothing trapped
    msr cptr_el2, x0
    msr hstr_el2, xzr
    mrs x0, midr_el1
    msr vpidr_el2, x0
    mrs x0, mpidr_el1
    msr vmpidr_el2, x0
    msr vttbr_el2, xzr
    mov x0, #0x3c5              // SPSR: EL1h, DAIF masked
    msr spsr_el2, x0
    msr elr_el2, x30
    isb
    eret

// Turns on the MMU and the caches with the tables of mmu.c, identity mapped. Uses x0 to x2 only, no memory.
.global mmu_enable
mmu_enable:
    ldr x0, =MAIR
    msr mair_el1, x0
    ldr x0, =TCR
    mrs x1, id_aa64mmfr0_el1
    and x1, x1, #0xf            // PARange, the encoding of TCR_EL1.IPS
    mov x2, #5                  // 48 bits: 4 KiB descriptors hold no more
    cmp x1, x2
    csel x1, x1, x2, lo
    orr x0, x0, x1, lsl #32
    msr tcr_el1, x0
    adrp x0, level1_table
    add x0, x0, :lo12:level1_table
    msr ttbr0_el1, x0
    isb
    tlbi vmalle1
    ic iallu
    dsb nsh
    isb
    ldr x0, =SCTLR_ON
    msr sctlr_el1, x0
    isb
    ret

.ltorg

.section .bss
.balign 16
.global stacks
stacks:
    .skip STACK_BYTES * MAX_CPUS
.global fault_stacks
fault_stacks:
    .skip FAULT_STACK_BYTES * MAX_CPUS
