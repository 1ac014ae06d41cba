// A program that runs a few instructions under given registers, and says what came of them. Entered with x0 = the block:
//   +0x000 results: x0..x28 after the run; +0x0f0 count of aborts; +0x100 ESR_EL1, FAR_EL1, ELR_EL1, SPSR_EL1 of the last
//          abort; +0x120 where an abort returns to (0: the next instruction); +0x128 count of interrupts, +0x130 ELR_EL1
//          and +0x138 IAR of the last one; +0x140 1 when all is done
//   +0x800 x0..x28 before the run; +0x8f0 address of the instructions, which end with RET; +0x8f8 PSCI function at the end;
//   +0x900 SCTLR_EL1 for the run; +0x908 translation table
// Vectors and code are position-independent; the block belongs to one vCPU.
    .text
start:
    mov x29, x0
    msr tpidr_el1, x29
    adr x1, vectors
    msr vbar_el1, x1
    add x1, x29, #0x800
    mov sp, x1
    // GIC: all private and shared interrupts on, nothing masked
    movz x2, #0x300, lsl #16
    movk x2, #0x1000
    mov w4, #1
    str w4, [x2]
    mov w4, #-1
    str w4, [x2, #0x100]
    str w4, [x2, #0x104]
    movz x5, #0x300, lsl #16
    movk x5, #0x2000
    mov w4, #0xf0
    str w4, [x5, #4]
    mov w4, #1
    str w4, [x5]
    // stage 1, if asked for
    mov x4, #0xff
    msr mair_el1, x4
    ldr x4, =0x280803519
    msr tcr_el1, x4
    ldr x4, [x1, #0x108]
    msr ttbr0_el1, x4
    isb
    ldr x4, [x1, #0x100]
    msr sctlr_el1, x4
    isb
    ldp x2, x3, [x1, #16]
    ldp x4, x5, [x1, #32]
    ldp x6, x7, [x1, #48]
    ldp x8, x9, [x1, #64]
    ldp x10, x11, [x1, #80]
    ldp x12, x13, [x1, #96]
    ldp x14, x15, [x1, #112]
    ldp x16, x17, [x1, #128]
    ldp x18, x19, [x1, #144]
    ldp x20, x21, [x1, #160]
    ldp x22, x23, [x1, #176]
    ldp x24, x25, [x1, #192]
    ldp x26, x27, [x1, #208]
    ldr x28, [x1, #224]
    ldr x30, [x1, #0xf0]
    ldp x0, x1, [x1]
    blr x30
    mrs x29, tpidr_el1
    stp x0, x1, [x29]
    stp x2, x3, [x29, #16]
    stp x4, x5, [x29, #32]
    stp x6, x7, [x29, #48]
    stp x8, x9, [x29, #64]
    stp x10, x11, [x29, #80]
    stp x12, x13, [x29, #96]
    stp x14, x15, [x29, #112]
    stp x16, x17, [x29, #128]
    stp x18, x19, [x29, #144]
    stp x20, x21, [x29, #160]
    stp x22, x23, [x29, #176]
    stp x24, x25, [x29, #192]
    stp x26, x27, [x29, #208]
    str x28, [x29, #224]
    mov x1, #1
    str x1, [x29, #0x140]
    ldr x0, [x29, #0x8f8]
    hvc #0
    b .
    .ltorg
    .balign 2048
vectors:
    .macro empty
    .balign 128
    b .
    .endm
    empty
    empty
    empty
    empty
    .balign 128
    msr tpidrro_el0, x28
    mrs x28, tpidr_el1
    stp x29, x30, [x28, #0x150]
    mrs x29, esr_el1
    mrs x30, far_el1
    stp x29, x30, [x28, #0x100]
    mrs x29, elr_el1
    mrs x30, spsr_el1
    stp x29, x30, [x28, #0x110]
    ldr x30, [x28, #0x120]
    cbnz x30, 1f
    add x30, x29, #4
1:  msr elr_el1, x30
    ldr x30, [x28, #0xf0]
    add x30, x30, #1
    str x30, [x28, #0xf0]
    ldp x29, x30, [x28, #0x150]
    mrs x28, tpidrro_el0
    eret
    .balign 128
    msr tpidrro_el0, x28
    mrs x28, tpidr_el1
    stp x29, x30, [x28, #0x150]
    movz x29, #0x300, lsl #16
    movk x29, #0x2000
    ldr w30, [x29, #0xc]
    str x30, [x28, #0x138]
    str w30, [x29, #0x10]
    mrs x30, elr_el1
    str x30, [x28, #0x130]
    ldr x30, [x28, #0x128]
    add x30, x30, #1
    str x30, [x28, #0x128]
    mov x30, #2
    msr cntv_ctl_el0, x30
    ldp x29, x30, [x28, #0x150]
    mrs x28, tpidrro_el0
    eret
