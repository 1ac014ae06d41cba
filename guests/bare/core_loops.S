// Loops of bench_core.c: x0 = times, x1 = memory. Each body is 256 operations, so that the loop itself is under 1 %.

.macro loop name, body:vararg
.text
.balign 64
.global \name
\name:
    mov x2, #1
    mov x3, #3
    fmov d0, #1.0
    fmov d1, #1.0
    fmov d2, #1.0
1:
    .rept 256
    \body
    .endr
    subs x0, x0, #1
    b.ne 1b
    mov x0, x1
    ret
.endm

loop core_add, add x2, x2, #1
loop core_add_shift, add x2, x2, x2, lsl #1
loop core_mul32, mul w2, w2, w3
loop core_mul64, mul x2, x2, x3
loop core_madd64, madd x2, x2, x3, x3
loop core_smulh, smulh x2, x2, x3
loop core_fadd, fadd d0, d0, d1
loop core_fmul, fmul d0, d0, d1
// The result goes into a factor, or into the addend.
loop core_fma, fmadd d0, d0, d1, d2
loop core_fma_chain, fmadd d0, d1, d2, d0
loop core_fdiv_s, fdiv s0, s0, s1
loop core_fdiv_d, fdiv d0, d0, d1
loop core_chase, ldr x1, [x1]

// Eight chains at x1, x1 + 8, ...: the heads are in memory. 32 rounds of 8 loads.
.balign 64
.global core_chase8
core_chase8:
    ldp x2, x3, [x1]
    ldp x4, x5, [x1, #16]
    ldp x6, x7, [x1, #32]
    ldp x8, x9, [x1, #48]
1:
    .rept 32
    ldr x2, [x2]
    ldr x3, [x3]
    ldr x4, [x4]
    ldr x5, [x5]
    ldr x6, [x6]
    ldr x7, [x7]
    ldr x8, [x8]
    ldr x9, [x9]
    .endr
    subs x0, x0, #1
    b.ne 1b
    ret

// 256 conditional branches that depend on a bit of a 64-bit xorshift generator (x4 = 1: random; 0: never taken). The work is the
// same in both; a branch that is taken goes to the next instruction.
.balign 64
.global core_branches
core_branches:
    mov x4, x1
    ldr x2, =0x2545f4914f6cdd1d
1:
    .rept 64
    eor x2, x2, x2, lsl #13
    eor x2, x2, x2, lsr #7
    eor x2, x2, x2, lsl #17
    and x3, x2, x4
    cbnz x3, 2f
2:
    .endr
    subs x0, x0, #1
    b.ne 1b
    mov x0, x2
    ret

// 64 bytes a round.
.balign 64
.global core_copy
core_copy: // x0 to, x1 from, x2 bytes
1:  ldp x3, x4, [x1]
    ldp x5, x6, [x1, #16]
    ldp x7, x8, [x1, #32]
    ldp x9, x10, [x1, #48]
    add x1, x1, #64
    stp x3, x4, [x0]
    stp x5, x6, [x0, #16]
    stp x7, x8, [x0, #32]
    stp x9, x10, [x0, #48]
    add x0, x0, #64
    subs x2, x2, #64
    b.ne 1b
    ret

.balign 64
.global core_set
core_set: // x0 to, x2 bytes
1:  stp xzr, xzr, [x0]
    stp xzr, xzr, [x0, #16]
    stp xzr, xzr, [x0, #32]
    stp xzr, xzr, [x0, #48]
    add x0, x0, #64
    subs x2, x2, #64
    b.ne 1b
    ret

.balign 64
.global core_read
core_read: // x1 from, x2 bytes
1:  ldp x3, x4, [x1]
    ldp x5, x6, [x1, #16]
    ldp x7, x8, [x1, #32]
    ldp x9, x10, [x1, #48]
    add x1, x1, #64
    subs x2, x2, #64
    b.ne 1b
    ret

// A null system call: SVC, all general registers saved, a table looked up, restored, ERET. x0 = times.
.balign 64
.global core_svc
core_svc:
    mrs x9, vbar_el1
    adrp x10, svc_vectors
    add x10, x10, :lo12:svc_vectors
    msr vbar_el1, x10
    isb
1:  svc #0
    subs x0, x0, #1
    b.ne 1b
    msr vbar_el1, x9
    isb
    ret

.balign 0x800
svc_vectors:
    .skip 0x200
    // current EL with SP_ELx, synchronous
    sub sp, sp, #272
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    b svc_more
.balign 0x80
svc_more:
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x10, elr_el1
    mrs x11, spsr_el1
    mrs x12, esr_el1
    stp x30, x10, [sp, #240]
    str x11, [sp, #256]
    // dispatch on the exception class and the immediate, as a kernel does
    lsr x13, x12, #26
    cmp x13, #0x15
    b.ne .
    and x12, x12, #0xffff
    adr x13, svc_table
    ldr x13, [x13, x12, lsl #3]
    adr x14, svc_table
    add x13, x13, x14
    blr x13
    ldp x30, x10, [sp, #240]
    ldr x11, [sp, #256]
    msr elr_el1, x10
    msr spsr_el1, x11
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x19, [sp, #144]
    ldp x20, x21, [sp, #160]
    ldp x22, x23, [sp, #176]
    ldp x24, x25, [sp, #192]
    ldp x26, x27, [sp, #208]
    ldp x28, x29, [sp, #224]
    ldp x0, x1, [sp, #0]
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    add sp, sp, #272
    eret
.balign 8
svc_table:
    .quad svc_null - svc_table
svc_null:
    ret

.balign 64
.global fp_on
fp_on:
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    isb
    ret
.ltorg
