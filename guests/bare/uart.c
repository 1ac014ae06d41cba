/* PL011 transmitter, polled; only DR and FR, which the SBSA UART has as well (Arm DDI 0183, 3.3.1 and 3.3.3). */
#include "console.h"
#include "timer.h"

#define DR 0x00
#define FR 0x18
#define FR_BUSY (1 << 3)
#define FR_TXFF (1 << 5)

static u64 uart;

void uart_init(u64 base) { uart = base; }

void uart_put(char c) {
  while ((mmio_read(uart + FR) & FR_TXFF) != 0) cpu_yield();
  mmio_write(uart + DR, (u8)c);
}

void uart_flush(void) {
  u64 end = counter() + counter_frequency() / 10;
  while ((mmio_read(uart + FR) & FR_BUSY) != 0 && counter() < end) cpu_yield();
}
