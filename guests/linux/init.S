// The first process of a Linux guest that measures the null system call: getppid, with the virtual counter, which a process may
// read. Writes `bench: begin`, then `bench: syscall COUNT TICKS`, and powers the machine off. Linux system calls of arm64.
#define WRITE 64
#define NANOSLEEP 101
#define REBOOT 142
#define GETPPID 173
#define IOCTL 29
#define OPENAT 56
#define COUNT 5000

.macro say text, bytes
    mov x0, #1
    adr x1, \text
    mov x2, #\bytes
    mov x8, #WRITE
    svc #0
.endm

.text
.global _start
_start:
    // The random number generator is made ready: system call entry draws from it, at some cost before it is.
    mov x0, #-100               // AT_FDCWD
    adr x1, device
    mov x2, #1                  // O_WRONLY
    mov x8, #OPENAT
    svc #0
    mov w1, #0x5203             // RNDADDENTROPY
    movk w1, #0x4008, lsl #16
    adr x2, entropy
    mov x8, #IOCTL
    svc #0
    adr x0, pause               // what the kernel still does in the background comes to its end
    mov x1, #0
    mov x8, #NANOSLEEP
    svc #0
    say begin, begin_end - begin
    mov x19, #200               // warm caches and predictors
    bl calls
    isb
    mrs x20, cntvct_el0
    mov x19, #COUNT
    bl calls
    isb
    mrs x21, cntvct_el0
    sub x20, x21, x20
    // decimal, from the end of the line
    adr x1, line_end - 1
    mov x3, #10
1:  udiv x4, x20, x3
    msub x5, x4, x3, x20
    add x5, x5, #'0'
    strb w5, [x1, #-1]!
    mov x20, x4
    cbnz x20, 1b
    say line, line_end - line
    say done, done_end - done
    mov w0, #0xdead             // LINUX_REBOOT_MAGIC1, MAGIC2, CMD_POWER_OFF
    movk w0, #0xfee1, lsl #16
    mov w1, #(672274793 & 0xffff)
    movk w1, #(672274793 >> 16), lsl #16
    mov w2, #0xfedc
    movk w2, #0x4321, lsl #16
    mov x8, #REBOOT
    svc #0
2:  b 2b

calls:
    mov x8, #GETPPID
3:  svc #0
    subs x19, x19, #1
    b.ne 3b
    ret

pause: .quad 2, 0
// struct rand_pool_info: bits, bytes, the bytes
entropy: .word 256, 32
    .quad 0x0123456789abcdef, 0xfedcba9876543210, 0x0f1e2d3c4b5a6978, 0x8796a5b4c3d2e1f0
device: .asciz "/dev/random"
begin: .ascii "bench: begin\n"
begin_end:
line: .ascii "bench: syscall 5000           "
    .ascii "\n"
line_end:
done: .ascii "bench: done\n"
done_end:
