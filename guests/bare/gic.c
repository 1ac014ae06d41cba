/* GICv2 distributor and CPU interface. */
#include "gic.h"
#include "layout.h"

#define GICD_CTLR 0x000
#define GICD_TYPER 0x004
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR 0x800
#define GICD_ICFGR 0xc00
#define GICD_SGIR 0xf00
#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_IAR 0x0c
#define GICC_EOIR 0x10

#define LOCAL 32
#define MAX_INTID 1020
#define PRIORITY 0xa0a0a0a0u

static u64 gicd, gicc;
static irq_function handlers[MAX_INTID];
/* The bit of each CPU in target lists. */
static u8 target[MAX_CPUS];

void gic_cpu_init(void) {
  /* The banked target registers of private interrupts say which bit is this CPU; one CPU alone reads zero. */
  u8 self = (u8)mmio_read(gicd + GICD_ITARGETSR);
  target[cpu_number()] = self == 0 ? 1 : self;
  for (u32 i = 0; i < LOCAL; i += 4) mmio_write(gicd + GICD_IPRIORITYR + i, PRIORITY);
  mmio_write(gicc + GICC_PMR, 0xf0);
  mmio_write(gicc + GICC_CTLR, 1);
}

void gic_init(u64 distributor, u64 cpu_interface) {
  gicd = distributor;
  gicc = cpu_interface;
  mmio_write(gicd + GICD_CTLR, 0);
  u32 lines = 32 * ((mmio_read(gicd + GICD_TYPER) & 31) + 1);
  if (lines > MAX_INTID) lines = MAX_INTID;
  for (u32 i = 0; i < lines; i += 32) mmio_write(gicd + GICD_ICENABLER + i / 8, 0xffffffff);
  gic_cpu_init();
  for (u32 i = LOCAL; i < lines; i += 4) {
    mmio_write(gicd + GICD_IPRIORITYR + i, PRIORITY);
    mmio_write(gicd + GICD_ITARGETSR + i, target[cpu_number()] * 0x01010101u);
  }
  mmio_write(gicd + GICD_CTLR, 1);
}

void gic_enable(u32 intid, bool edge, irq_function handler) {
  if (intid >= MAX_INTID) fail("interrupt %u is none of a GICv2", intid);
  handlers[intid] = handler;
  if (intid >= LOCAL) {
    u64 icfgr = gicd + GICD_ICFGR + intid / 16 * 4;
    u32 bit = 2u << (intid % 16 * 2);
    mmio_write(icfgr, edge ? mmio_read(icfgr) | bit : mmio_read(icfgr) & ~bit);
  }
  dsb_sy();
  mmio_write(gicd + GICD_ISENABLER + intid / 32 * 4, 1u << (intid % 32));
}

void gic_send(u32 cpu, u32 sgi) {
  dsb_sy();
  mmio_write(gicd + GICD_SGIR, (u32)target[cpu] << 16 | sgi);
}

void gic_handle(void) {
  for (;;) {
    u32 iar = mmio_read(gicc + GICC_IAR);
    u32 intid = iar & 0x3ff;
    if (intid >= MAX_INTID) return;
    if (handlers[intid] == NULL) fail("unexpected interrupt %u on cpu %u", intid, cpu_number());
    handlers[intid]();
    dsb_sy();
    mmio_write(gicc + GICC_EOIR, iar);
  }
}
