/* Sends text to the console that was found. */
#include "console.h"

static enum { NOWHERE, UART, XEN } place;

void console_init(u64 uart, bool xen) {
  if (uart != 0) {
    uart_init(uart);
    place = UART;
  } else if (xen && xen_console_page() != 0) {
    place = XEN;
  }
}

void console_put(char c) {
  if (c == '\n') console_put('\r');
  if (place == UART) uart_put(c);
  else if (place == XEN) xen_console_put(c);
}

void console_flush(void) {
  if (place == UART) uart_flush();
  else if (place == XEN) xen_console_flush();
}
