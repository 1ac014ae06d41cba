/* Sequences of disk requests, and what was read and written. */
#ifndef TRANSFER_H
#define TRANSFER_H
#include "args.h"

/* Takes the buffers. */
void transfer_init(const struct args *args);
/* GET_ID; prints the device's serial number. */
void transfer_id(void);
/* args->reads requests from args->sector on; the CRC-32 of all data in the order of the disk. */
u32 transfer_reads(void);
/*
 * args->writes requests that end 4096 bytes before the end of the disk, a flush, and reading back. The 64-bit word at
 * byte OFFSET of the disk becomes OFFSET * 0x9e3779b97f4a7c15 + seed. Fails if another value comes back.
 */
void transfer_writes(void);
/* Counts this boot in the disk's last 4096 bytes; true if there are args->reboots still to come. */
bool transfer_count_boot(void);
#endif
