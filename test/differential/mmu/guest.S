// Runs at EL2 on qemu's virt board: executes the address translation instructions of the case list at CASES and prints
// one line per case on the PL011: PAR_EL1, or ESR_EL2 with bit 63 set if the instruction itself aborted.
// A case is 10 words: op, va, sctlr, tcr, ttbr0, ttbr1, mair, hcr, vtcr, vttbr; op 0xff ends the list.

        .equ    CASES, 0x43000000
        .equ    UART, 0x09000000

        .text
        .globl  _start
_start: adr     x0, vectors
        msr     vbar_el2, x0
        isb
        ldr     x19, =CASES
        ldr     x20, =UART
next:   ldp     x21, x22, [x19], #16            // op, va
        cmp     x21, #0xff
        b.eq    done
        ldp     x23, x24, [x19], #16            // sctlr, tcr
        ldp     x25, x26, [x19], #16            // ttbr0, ttbr1
        ldp     x27, x28, [x19], #16            // mair, hcr
        ldp     x9, x10, [x19], #16             // vtcr, vttbr
        msr     sctlr_el1, x23
        msr     tcr_el1, x24
        msr     ttbr0_el1, x25
        msr     ttbr1_el1, x26
        msr     mair_el1, x27
        msr     hcr_el2, x28
        msr     vtcr_el2, x9
        msr     vttbr_el2, x10
        dsb     sy
        tlbi    alle1
        tlbi    alle2
        dsb     sy
        isb
        adr     x0, table
        add     x0, x0, x21, lsl #3
        br      x0
table:  at      s1e1r, x22
        b       print
        at      s1e1w, x22
        b       print
        at      s1e0r, x22
        b       print
        at      s1e0w, x22
        b       print
        at      s12e1r, x22
        b       print
        at      s12e1w, x22
        b       print
        at      s12e0r, x22
        b       print
        at      s12e0w, x22
print:  isb
        mrs     x1, par_el1
put:    mov     x2, #60
1:      lsr     x3, x1, x2
        and     x3, x3, #15
        add     x4, x3, #'0'
        cmp     x3, #10
        add     x5, x3, #('a' - 10)
        csel    x4, x4, x5, lo
        str     w4, [x20]
        subs    x2, x2, #4
        b.pl    1b
        mov     w4, #'\n'
        str     w4, [x20]
        b       next
done:   movz    x0, #0x0008
        movk    x0, #0x8400, lsl #16            // PSCI SYSTEM_OFF
        smc     #0
2:      b       2b

        .balign 2048
vectors:
        .fill   128, 4, 0xd4200000
        .org    vectors + 0x200
        mrs     x1, esr_el2
        orr     x1, x1, #(1 << 63)
        b       put
        .ltorg
