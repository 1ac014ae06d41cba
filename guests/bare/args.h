/* What the command line (/chosen/bootargs) asks for: words KEY=VALUE. Numbers are decimal or 0x... */
#ifndef ARGS_H
#define ARGS_H
#include "bare.h"

enum bench {
  BENCH_NONE, BENCH_IOREQ, BENCH_SPIN, BENCH_HYPERCALL, BENCH_VGIC, BENCH_EOI, BENCH_IPI, BENCH_TIMER, BENCH_EVTCHN, BENCH_BLK, BENCH_IRQ, BENCH_NATIVE, BENCH_CORE, BENCH_WALK
};
enum ending { END_OFF, END_REBOOT, END_HANG, END_FAULT, END_HOLE };

struct args {
  u64 reads, writes; /* requests */
  u64 size;          /* bytes of a request */
  u64 sector;        /* where reads begin */
  u64 depth;         /* requests in flight */
  u64 poll;          /* 1: no interrupt, look at the used ring */
  u64 event_idx, indirect; /* 1: use if offered */
  u64 vcpus;
  u64 peeks;         /* InterruptStatus reads of each secondary CPU, meanwhile */
  u64 reboots;       /* power off only after so many resets, counted on the disk */
  u64 disk;          /* which block device, NO_DISK = none */
  u64 seed;          /* of the written pattern */
  u64 timeout;       /* seconds for a request */
  u64 check;         /* expected CRC-32 of what is read, NO_CHECK = any */
  enum ending end;
  enum bench bench;  /* instead of the disk work */
  u64 rounds;        /* of a benchmark */
  u64 sleep;         /* 1: the CPU that is interrupted waits in WFI */
  u64 gap;           /* mean nanoseconds between its rounds */
};

#define NO_DISK 0xffffffff
#define NO_CHECK (1ull << 32)

/* Whether the last console= names hvc0, Xen's paravirtual console, and not the UART. */
bool args_hvc(const char *text);
/* Reads the words, cpus being the default of vcpus; unknown ones are named in one line each, a bad value fails. */
struct args args_parse(const char *text, u32 cpus);
#endif
