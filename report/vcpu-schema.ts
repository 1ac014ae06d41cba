import { z } from 'zod';
import type { ReportVcpu } from './vcpu.js';

const count = z.int().nonnegative();
const hex = z.string().regex(/^0x[0-9a-f]+$/);
const stateSchema = z.enum(['running', 'runnable', 'blocked', 'paused', 'off', 'shut down']);
const irqStateSchema = z.enum(['pending', 'active', 'active and pending']);

const diskSchema = z.strictObject({
  id: z.string(),
  irq: count,
  thread: z.string(),
  status: count,
  interruptStatus: count,
  waiting: count,
  taken: count,
});

const backendSchema = z.strictObject({
  process: z.string(),
  domain: z.string(),
  life: z.string(),
  step: z.string(),
  ports: count,
  vcpu: stateSchema,
  server: z.int().min(-1),
  disks: z.array(diskSchema),
});

const ioreqSchema = z.strictObject({
  request: count,
  server: count,
  emulator: z.string(),
  direction: z.enum(['read', 'write']),
  address: count,
  register: z.string(),
  size: count,
  data: hex,
  slot: z.enum(['none', 'ready', 'inprocess', 'response', 'unknown']),
  port: z.strictObject({ guest: count, emulator: z.int().min(-1), pending: z.boolean(), masked: z.boolean() }),
  process: z.string(),
});

/** What a vCPU of a guest stood at when the run was cut off. */
export const vcpuSchema: z.ZodType<ReportVcpu> = z.strictObject({
  guest: z.string(),
  vcpu: z.string(),
  state: stateSchema,
  waits: z.enum(['nothing', 'ioreq', 'event', 'interrupt', 'start', 'unpause']),
  why: z.string().min(1),
  since: count,
  time: count,
  core: z.string(),
  pc: hex,
  el: z.int().min(0).max(3),
  masked: z.boolean(),
  loops: z.boolean(),
  ioreq: ioreqSchema.nullable(),
  pollPort: z.int().min(-1),
  timers: z.strictObject({ virtual: z.number().nullable(), physical: z.number().nullable() }),
  interrupts: z.array(
    z.strictObject({
      intid: count,
      name: z.string(),
      state: irqStateSchema,
      lr: z.int().min(-1),
      masked: z.array(z.string()),
    }),
  ),
  listRegisters: z.array(z.strictObject({ lr: count, intid: count, state: irqStateSchema, priority: count })),
  virtualInterface: z.strictObject({ lrs: count, enabled: z.boolean(), priorityMask: count }),
  backends: z.array(backendSchema),
  end: z.string(),
});
