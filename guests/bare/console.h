/* The console: a PL011 (or its SBSA subset) if the device tree has one, else Xen's paravirtual console. */
#ifndef CONSOLE_H
#define CONSOLE_H
#include "bare.h"

/* Base of the UART, 0 = none. With xen set and no UART the console ring is used; both absent: text is dropped. */
void console_init(u64 uart, bool xen);
void console_put(char c);
/* Waits until the text is out, at most 100 ms. */
void console_flush(void);

void uart_init(u64 base);
void uart_put(char c);
void uart_flush(void);

/* The ring page that Xen's tools gave us, 0 = none. */
u64 xen_console_page(void);
void xen_console_put(char c);
void xen_console_flush(void);
#endif
