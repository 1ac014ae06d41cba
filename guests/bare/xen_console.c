/* Xen's paravirtual console: a ring in a page, and an event channel (xen: xen/include/public/io/console.h). */
#include "console.h"
#include "timer.h"
#include "xen.h"

#define SCHEDOP_YIELD 0
#define EVTCHNOP_SEND 4
#define HVMOP_GET_PARAM 1
#define HVM_PARAM_CONSOLE_PFN 17
#define HVM_PARAM_CONSOLE_EVTCHN 18
#define OUT_BYTES 2048

struct xencons_interface {
  char in[1024];
  char out[OUT_BYTES];
  u32 in_cons, in_prod, out_cons, out_prod;
};

static volatile struct xencons_interface *ring;
static u32 port;

static u64 hvm_param(u32 index) {
  struct {
    u16 domid, pad;
    u32 index;
    u64 value;
  } arg = {DOMID_SELF, 0, index, 0};
  return xen_hypercall2(XEN_HVM_OP, HVMOP_GET_PARAM, &arg) == 0 ? arg.value : 0;
}

u64 xen_console_init(void) {
  u64 page = hvm_param(HVM_PARAM_CONSOLE_PFN) << 12;
  ring = (volatile struct xencons_interface *)page;
  port = (u32)hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
  return page;
}

static void notify(void) {
  u32 arg = port;
  xen_hypercall2(XEN_EVENT_CHANNEL_OP, EVTCHNOP_SEND, &arg);
}

void xen_console_put(char c) {
  u32 prod = ring->out_prod;
  if (prod - ring->out_cons >= OUT_BYTES) notify();
  while (prod - ring->out_cons >= OUT_BYTES) xen_hypercall2(XEN_SCHED_OP, SCHEDOP_YIELD, NULL);
  ring->out[prod % OUT_BYTES] = c;
  dmb_ish();
  ring->out_prod = prod + 1;
  if (c == '\n') {
    dmb_ish();
    notify();
  }
}

void xen_console_flush(void) {
  u64 end = counter() + counter_frequency() / 10;
  notify();
  while (ring->out_prod != ring->out_cons && counter() < end) xen_hypercall2(XEN_SCHED_OP, SCHEDOP_YIELD, NULL);
}
