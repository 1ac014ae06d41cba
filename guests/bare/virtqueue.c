#include "virtqueue.h"
#include "arena.h"

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY 1

void virtqueue_init(struct virtqueue *q, u32 size, bool event_idx, bool interrupts) {
  *q = (struct virtqueue){.size = size, .event_idx = event_idx, .interrupts = interrupts};
  q->desc = arena_take(size * sizeof(struct descriptor));
  q->avail = arena_take(6 + 2 * size);
  q->used = arena_take(6 + 8 * size);
  if (!interrupts) {
    q->avail[0] = AVAIL_NO_INTERRUPT;
    q->avail[2 + size] = (u16)-1;
  }
}

bool virtqueue_add(struct virtqueue *q, u32 head) {
  q->avail[2 + q->avail_idx % q->size] = (u16)head;
  dmb_ish(); /* the entry before the index */
  u16 old = q->avail_idx++;
  q->avail[1] = q->avail_idx;
  dmb_ish(); /* the index before the device's wish is read (2.7.13.4.1) */
  if (!q->event_idx) return (q->used[0] & USED_NO_NOTIFY) == 0;
  u16 event = q->used[2 + 4 * q->size];
  return event == old;
}

bool virtqueue_take(struct virtqueue *q, u32 *head) {
  if (q->used[1] == q->last_used) {
    if (!q->event_idx || !q->interrupts) return false;
    q->avail[2 + q->size] = q->last_used;
    dmb_ish(); /* an entry that came before the device saw this brings no interrupt */
    if (q->used[1] == q->last_used) return false;
  }
  dmb_ish(); /* the entry after the index */
  *head = *(volatile u32 *)&q->used[2 + 4 * (q->last_used % q->size)];
  q->last_used++;
  /* Never the next one: the device interrupts when it passes this (2.7.10). */
  if (!q->interrupts) q->avail[2 + q->size] = (u16)(q->last_used - 1);
  return true;
}
