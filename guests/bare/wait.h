/* Waiting with WFI for something that an interrupt handler brings about. */
#ifndef WAIT_H
#define WAIT_H
#include "bare.h"

/* Longest wait in counter increments; args.timeout. */
void wait_limit(u64 ticks);
/* Sleeps until ready(argument); fails with "timeout: WHAT" after the limit. Interrupts are on when it returns. */
void wait_until(bool (*ready)(u64 argument), u64 argument, const char *what);
/* The same by polling, with nothing asleep. */
void poll_until(bool (*ready)(u64 argument), u64 argument, const char *what);
#endif
