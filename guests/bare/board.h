/* The machine as its device tree tells it. */
#ifndef BOARD_H
#define BOARD_H
#include "bare.h"
#include "layout.h"

#define MAX_VIRTIO 40

struct board {
  const char *bootargs;
  u64 ram, ram_bytes; /* the first bank */
  u64 gicd, gicc;
  u64 uart;           /* 0 = none */
  u32 timer_intid;    /* virtual timer */
  bool xen, psci_smc;
  u64 grants;         /* room for the grant table */
  u32 cpus;
  u64 mpidr[MAX_CPUS];
  u32 virtios;
  struct {
    u64 base;
    u32 intid;
    bool edge;
    bool granted; /* behind Xen's grant IOMMU, of which this is the cell: the backend's domain */
    u32 backend;
  } virtio[MAX_VIRTIO];
};

extern struct board board;

/* Reads the tree and fails, with one line, when something that everybody needs is missing. */
void board_discover(const void *tree);
/* Maps memory and devices. */
void board_map(void);
#endif
