// Exception vectors (Arm ARM D1.3): IRQ at EL1 returns; everything else ends the run with a report.
#include "layout.h"

// The report needs no register of the interrupted code and must not trust its stack.
.macro fatal kind
    .balign 0x80
    mrs x1, tpidr_el1
    adrp x2, fault_stacks
    add x2, x2, :lo12:fault_stacks
    add x1, x1, #1
    mov x3, #FAULT_STACK_BYTES
    madd x2, x1, x3, x2
    mov sp, x2
    mov x0, #\kind
    b fault_report
.endm

.text
.balign 0x800
.global vectors
vectors:
    fatal 0                     // current EL, SP_EL0
    fatal 1
    fatal 2
    fatal 3
    fatal 4                     // current EL, SP_EL1: synchronous
    .balign 0x80
    b irq_entry
    fatal 6
    fatal 7
    fatal 8                     // lower EL, AArch64
    fatal 9
    fatal 10
    fatal 11
    fatal 12                    // lower EL, AArch32
    fatal 13
    fatal 14
    fatal 15

irq_entry:
    sub sp, sp, #192
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x29, [sp, #144]
    mrs x0, elr_el1
    mrs x1, spsr_el1
    stp x30, x0, [sp, #160]
    str x1, [sp, #176]
    bl gic_handle
    ldr x1, [sp, #176]
    ldp x30, x0, [sp, #160]
    msr spsr_el1, x1
    msr elr_el1, x0
    ldp x18, x29, [sp, #144]
    ldp x16, x17, [sp, #128]
    ldp x14, x15, [sp, #112]
    ldp x12, x13, [sp, #96]
    ldp x10, x11, [sp, #80]
    ldp x8, x9, [sp, #64]
    ldp x6, x7, [sp, #48]
    ldp x4, x5, [sp, #32]
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp, #0]
    add sp, sp, #192
    eret
