// The program that both machines run: at EL2, with the MMU off, it takes one step after the other from the list at STEPS.
// A step loads the registers of its context, enters a few instructions at EL0, EL1 or EL2, and whatever exception comes
// to EL2 first ends it; what that left behind goes into a record. An exception to EL1 reaches EL2 through the HVC (or
// SMC) of its vector. Offsets and orders are those of layout.ts. The end is PSCI SYSTEM_OFF.

        .equ    STEPS, 0x41000000
        .equ    RECORDS, 0x44000000
        .equ    GICD, 0x08000000
        .equ    GICC, 0x08010000
        .equ    SCTLR_OFF, 0x30c50830

        // step
        .equ    STEP_CONTEXT, 0                 // address of the context; all ones: the list ends
        .equ    STEP_FLAGS, 8                   // bit 0: TLBI of everything first; 15:8: address translation + 1
        .equ    STEP_SGI, 16                    // written to GICD_SGIR unless 0
        .equ    STEP_SPSR, 24
        .equ    STEP_ELR, 32
        .equ    STEP_AT, 40                     // address to translate
        .equ    STEP_X, 48                      // X0..X9
        .equ    STEP_SIZE, 128

        // record
        .equ    REC_VECTOR, 0
        .equ    REC_EL2, 8                      // ESR, ELR, SPSR, FAR, HPFAR
        .equ    REC_EL1, 48                     // ESR, ELR, SPSR, FAR
        .equ    REC_PAR, 80
        .equ    REC_SP, 88                      // SP_EL0, SP_EL1
        .equ    REC_IAR, 104
        .equ    REC_AT, 112
        .equ    REC_HCR, 120
        .equ    REC_X, 128                      // X0..X9
        .equ    REC_X30, 208
        .equ    REC_MDSCR, 216
        .equ    REC_SIZE, 256

        .text
        .globl  _start
_start: adr     x0, vectors
        msr     vbar_el2, x0
        msr     oslar_el1, xzr
        mov     x0, #0x80000000
        msr     hcr_el2, x0
        isb
        ldr     x1, =GICD
        ldr     x2, =GICC
        mov     w0, #0xfffe                     // SGI 0 is of group 0, the others of group 1
        movk    w0, #0xffff, lsl #16
        str     w0, [x1, #0x80]
        mov     w0, #0xffff
        str     w0, [x1, #0x100]
        mov     w0, #3
        str     w0, [x1]
        mov     w0, #0xff
        str     w0, [x2, #4]
        mov     w0, #0xf                        // both groups, AckCtl, FIQEn
        str     w0, [x2]
        ldr     x0, =RECORDS
        mov     sp, x0
        ldr     x0, =STEPS
        msr     tpidr_el2, x0
        ic      iallu
        dsb     sy
        isb

next:   mrs     x29, tpidr_el2
        ldr     x28, [x29, #STEP_CONTEXT]
        cmn     x28, #1
        b.eq    done
        ldp     x0, x1, [x28], #16
        ldp     x2, x3, [x28], #16
        ldp     x4, x5, [x28], #16
        ldp     x6, x7, [x28], #16
        msr     sctlr_el1, x0
        msr     tcr_el1, x1
        msr     ttbr0_el1, x2
        msr     ttbr1_el1, x3
        msr     mair_el1, x4
        msr     vbar_el1, x5
        msr     cpacr_el1, x6
        msr     contextidr_el1, x7
        ldp     x0, x1, [x28], #16
        ldp     x2, x3, [x28], #16
        ldp     x4, x5, [x28], #16
        ldp     x6, x7, [x28], #16
        msr     vtcr_el2, x1
        msr     vttbr_el2, x2
        msr     cptr_el2, x3
        msr     hstr_el2, x4
        msr     mdcr_el2, x5
        msr     cnthctl_el2, x6
        msr     cntkctl_el1, x7
        mov     x10, x0                         // HCR_EL2
        ldp     x0, x1, [x28], #16
        ldp     x2, x3, [x28], #16
        ldp     x4, x5, [x28], #16
        ldp     x6, x7, [x28], #16
        msr     pmuserenr_el0, x0
        mov     x11, x1                         // MDSCR_EL1
        mov     x12, x2                         // SCTLR_EL2
        msr     tcr_el2, x3
        msr     ttbr0_el2, x4
        msr     mair_el2, x5
        msr     sp_el0, x6
        msr     sp_el1, x7
        ldp     x0, x1, [x28], #16
        ldp     x2, x3, [x28], #16
        msr     dbgbcr0_el1, x0
        msr     dbgbvr0_el1, x1
        msr     dbgwcr0_el1, x2
        msr     dbgwvr0_el1, x3
        ldr     x13, =0x5ad5ad5ad5ad5000        // what no exception leaves behind
        msr     esr_el1, xzr
        msr     elr_el1, x13
        msr     spsr_el1, xzr
        msr     far_el1, x13
        msr     far_el2, x13
        msr     hpfar_el2, xzr
        msr     par_el1, xzr
        str     x13, [sp, #REC_AT]
        ldr     w0, [x29, #STEP_SGI]
        cbz     w0, 1f
        ldr     x1, =GICD
        str     w0, [x1, #0xf00]
        dsb     sy
1:      msr     hcr_el2, x10
        ldr     w14, [x29, #STEP_FLAGS]
        tbz     w14, #0, 2f
        dsb     sy
        tlbi    alle1
        tlbi    alle2
        dsb     sy
2:      isb
        msr     sctlr_el2, x12
        isb
        ubfx    w14, w14, #8, #8
        cbz     w14, 3f
        ldr     x15, [x29, #STEP_AT]
        adr     x16, table - 8
        add     x16, x16, x14, lsl #3
        br      x16
table:  at      s1e1r, x15
        b       translated
        at      s1e1w, x15
        b       translated
        at      s1e0r, x15
        b       translated
        at      s1e0w, x15
        b       translated
        at      s12e1r, x15
        b       translated
        at      s12e1w, x15
        b       translated
        at      s12e0r, x15
        b       translated
        at      s12e0w, x15
        b       translated
        at      s1e2r, x15
        b       translated
        at      s1e2w, x15
translated:
        isb
        mrs     x16, par_el1
        str     x16, [sp, #REC_AT]
        msr     par_el1, xzr
3:      ldr     x0, [x29, #STEP_SPSR]
        msr     spsr_el2, x0
        ldr     x0, [x29, #STEP_ELR]
        msr     elr_el2, x0
        msr     mdscr_el1, x11
        isb
        ldp     x0, x1, [x29, #STEP_X]
        ldp     x2, x3, [x29, #STEP_X + 16]
        ldp     x4, x5, [x29, #STEP_X + 32]
        ldp     x6, x7, [x29, #STEP_X + 48]
        ldp     x8, x9, [x29, #STEP_X + 64]
        mov     x30, x13
        eret

ended:  stp     x2, x3, [sp, #REC_X + 16]
        stp     x4, x5, [sp, #REC_X + 32]
        stp     x6, x7, [sp, #REC_X + 48]
        stp     x8, x9, [sp, #REC_X + 64]
        ldr     x2, =SCTLR_OFF
        msr     sctlr_el2, x2
        isb
        mrs     x2, mdscr_el1
        msr     mdscr_el1, xzr
        str     x0, [sp, #REC_VECTOR]
        stp     x30, x2, [sp, #REC_X30]
        mrs     x0, esr_el2
        mrs     x1, elr_el2
        mrs     x2, spsr_el2
        mrs     x3, far_el2
        mrs     x4, hpfar_el2
        mrs     x5, esr_el1
        stp     x0, x1, [sp, #REC_EL2]
        stp     x2, x3, [sp, #REC_EL2 + 16]
        stp     x4, x5, [sp, #REC_EL2 + 32]
        mrs     x0, elr_el1
        mrs     x1, spsr_el1
        mrs     x2, far_el1
        mrs     x3, par_el1
        mrs     x4, sp_el0
        mrs     x5, sp_el1
        stp     x0, x1, [sp, #REC_EL1 + 8]
        stp     x2, x3, [sp, #REC_EL1 + 24]
        stp     x4, x5, [sp, #REC_SP]
        mrs     x0, hcr_el2
        str     x0, [sp, #REC_HCR]
        mov     x0, #0x80000000
        msr     hcr_el2, x0
        msr     esr_el2, xzr
        isb
        mrs     x29, tpidr_el2
        ldr     w0, [x29, #STEP_SGI]
        cbz     w0, 1f
        ldr     x1, =GICC
        ldr     w0, [x1, #0xc]
        dsb     sy
        add     w2, w0, #0                      // IAR
        and     w3, w0, #0x3ff
        cmp     w3, #1020
        b.hs    2f
        str     w0, [x1, #0x10]
        dsb     sy
2:      mov     w0, w2
1:      str     x0, [sp, #REC_IAR]
        add     sp, sp, #REC_SIZE
        add     x29, x29, #STEP_SIZE
        msr     tpidr_el2, x29
        b       next

done:   movz    x0, #0x0008
        movk    x0, #0x8400, lsl #16
        smc     #0
2:      b       2b
        .ltorg

        .macro  vector number
        .balign 128
        stp     x0, x1, [sp, #REC_X]
        mov     x0, #\number
        b       ended
        .endm

        .balign 2048
vectors:
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vector  \number
        .endr

        // Vectors of EL1, a page each: with HVC, and with SMC for contexts with HCR_EL2.HCD. QEMU clears the flags when it
        // takes an exception, which SPSR_EL2 would show.
        .balign 4096
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        .balign 128
        msr     nzcv, xzr
        hvc     #(0x100 + \number)
        .endr
        .balign 4096
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        .balign 128
        msr     nzcv, xzr
        smc     #(0x100 + \number)
        .endr
        .balign 4096
