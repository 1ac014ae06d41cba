/* Event channels: vCPU 1 signals vCPU 0 by a port bound for that (EVTCHNOP_bind_ipi), which takes the upcall. */
#include "arena.h"
#include "bench.h"
#include "board.h"
#include "gic.h"
#include "xen.h"
#include "smp.h"
#include "timer.h"

#define XENMEM_ADD_TO_PHYSMAP 7
#define XENMAPSPACE_SHARED_INFO 0
#define EVTCHNOP_SEND 4
#define EVTCHNOP_BIND_IPI 7
#define EVTCHN_PPI 31

/* xen: xen/include/public/xen.h, on Arm: vcpu_info is 48 bytes here and there is one in shared_info. */
struct shared_info {
  u8 upcall_pending, pad[7];
  u64 pending_sel;
  u8 rest[32];
  u64 pending[64], mask[64];
};

static volatile struct shared_info *info;
static u32 port;
static volatile u64 upcalls, ready;
static u64 rounds;
static bool asleep;

static void on_upcall(void) {
  info->upcall_pending = 0;
  info->pending_sel = 0;
  info->pending[port / 64] = 0;
  dmb_ish();
  upcalls++;
}

static void work(u32 cpu) {
  if (cpu == 0) {
    ready = 1;
    while (upcalls < rounds) {
      if (!asleep) continue;
      irq_disable();
      if (upcalls < rounds) wfi();
      irq_enable();
    }
    return;
  }
  if (cpu != 1) return;
  while (ready == 0) cpu_yield();
  u64 ticks = 0;
  for (u64 i = 0; i < rounds; i++) {
    bench_pause(bench_gap(cpu));
    u64 begin = counter();
    u32 arg = port;
    xen_hypercall2(XEN_EVENT_CHANNEL_OP, EVTCHNOP_SEND, &arg);
    while (upcalls == i) {
    }
    ticks += counter() - begin;
  }
  bench_report("evtchn", rounds, ticks);
}

void bench_evtchn(const struct args *args) {
  if (!board.xen || args->vcpus < 2) fail("bench=evtchn: needs Xen and vcpus=2");
  info = arena_take(4096);
  struct {
    u16 domid, size;
    u32 space;
    u64 idx, gpfn;
  } map = {DOMID_SELF, 0, XENMAPSPACE_SHARED_INFO, 0, (u64)info >> 12};
  if (xen_hypercall2(XEN_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, &map) != 0) fail("bench=evtchn: no shared_info");
  struct {
    u32 vcpu, port;
  } bind = {0, 0};
  if (xen_hypercall2(XEN_EVENT_CHANNEL_OP, EVTCHNOP_BIND_IPI, &bind) != 0) fail("bench=evtchn: no port");
  port = bind.port;
  gic_enable(EVTCHN_PPI, true, on_upcall);
  rounds = args->rounds;
  asleep = args->sleep != 0;
  smp_run(work);
}
