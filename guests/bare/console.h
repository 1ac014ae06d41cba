/* The console: a PL011 (or its SBSA subset) if the device tree has one, else Xen's paravirtual console. */
#ifndef CONSOLE_H
#define CONSOLE_H
#include "bare.h"

/* Text before any of these is dropped. */
void console_use_uart(u64 base);
/* The MMU must be on: Xen and Dom0 look at arguments and ring through their caches. */
void console_use_xen(void);
void console_put(char c);
/* Waits until the text is out, at most 100 ms. */
void console_flush(void);

void uart_init(u64 base);
void uart_put(char c);
void uart_flush(void);

/* Asks Xen for ring and event channel; the address of the ring page, 0 = none. The caller maps it. */
u64 xen_console_init(void);
void xen_console_put(char c);
void xen_console_flush(void);
#endif
