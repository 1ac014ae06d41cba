/* Grant table version 1 (xen: xen/include/public/grant_table.h): an entry for each page of RAM, in their order. */
#include "grant.h"
#include "mmu.h"
#include "xen.h"

#define PAGE 4096ull
#define XENMEM_ADD_TO_PHYSMAP 7
#define XENMAPSPACE_GRANT_TABLE 1
#define GTF_PERMIT_ACCESS 1
#define FIRST 8 /* below are Xen's own uses: console, xenstore */
#define ENTRIES (PAGE / sizeof(struct entry))
#define MAX_FRAMES 64 /* libxl's default */
#define NAMED (1ull << 63)

struct entry {
  u16 flags, domid;
  u32 frame;
};

static volatile struct entry *entries; /* NULL: plain addresses */
static u64 ram, table;
static u32 frames;
static u16 domid;

void grant_init(u64 table_address, u64 ram_address, u32 backend) {
  table = table_address;
  ram = ram_address;
  domid = (u16)backend;
  /* The table's pages are Xen's; they appear where the device tree leaves room for them. */
  mmu_map_ram(table, MMU_BLOCK);
  entries = (volatile struct entry *)table;
}

static void add_frame(void) {
  struct {
    u16 domid, size;
    u32 space;
    u64 index, gfn;
  } arg = {DOMID_SELF, 0, XENMAPSPACE_GRANT_TABLE, frames, table / PAGE + frames};
  u64 rc = xen_hypercall2(XEN_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, &arg);
  if (rc != 0) fail("grant table frame %u: error %lu", frames, -rc);
  frames++;
}

u64 device_address(const volatile void *at, u64 bytes) {
  u64 address = (u64)at;
  if (entries == NULL) return address;
  u64 first = (address - ram) / PAGE + FIRST;
  u64 last = (address + bytes - 1 - ram) / PAGE + FIRST;
  if (address < ram || last >= MAX_FRAMES * ENTRIES) fail("no grant can name 0x%lx", address);
  while (last >= frames * ENTRIES) add_frame();
  for (u64 ref = first; ref <= last; ref++) {
    if (entries[ref].flags != 0) continue;
    entries[ref].domid = domid;
    entries[ref].frame = (u32)(ram / PAGE + ref - FIRST);
    dmb_ish(); /* whom and what, before the permission */
    entries[ref].flags = GTF_PERMIT_ACCESS;
  }
  return NAMED | first * PAGE | address % PAGE;
}
