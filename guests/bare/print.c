/* Formatted text, and the one way to end a run that went wrong. */
#include "bare.h"
#include "console.h"
#include "psci.h"

static void put_text(const char *text) {
  for (; *text != 0; text++) console_put(*text);
}

static void put_number(u64 value, u32 base, u32 width) {
  char digits[20];
  u32 n = 0;
  do {
    digits[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  for (; width > n; width--) console_put('0');
  while (n > 0) console_put(digits[--n]);
}

static void say_list(const char *format, va_list list) {
  for (; *format != 0; format++) {
    if (*format != '%') {
      console_put(*format);
      continue;
    }
    u32 width = 0;
    bool wide = false;
    for (format++; (*format >= '0' && *format <= '9') || *format == 'l'; format++) {
      if (*format == 'l') wide = true;
      else width = width * 10 + (u32)(*format - '0');
    }
    switch (*format) {
      case 's': put_text(va_arg(list, const char *)); break;
      case 'c': console_put((char)va_arg(list, int)); break;
      case 'u': put_number(wide ? va_arg(list, u64) : va_arg(list, u32), 10, width); break;
      case 'x': put_number(wide ? va_arg(list, u64) : va_arg(list, u32), 16, width); break;
      default: console_put(*format); break;
    }
  }
}

void say(const char *format, ...) {
  va_list list;
  va_start(list, format);
  say_list(format, list);
  va_end(list);
}

void fail(const char *format, ...) {
  /* A failure while another one is being reported: the first one has the console. */
  static volatile bool failing;
  irq_disable();
  if (failing) psci_system_off();
  failing = true;
  va_list list;
  va_start(list, format);
  say("\nbare: FAIL ");
  say_list(format, list);
  say("\n");
  va_end(list);
  console_flush();
  psci_system_off();
}
