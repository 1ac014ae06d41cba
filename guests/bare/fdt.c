/* Walks a flattened device tree once; keeps no copy. */
#include "fdt.h"

#define MAGIC 0xd00dfeed
#define BEGIN_NODE 1
#define END_NODE 2
#define PROP 3
#define NOP 4
#define END 9
#define MAX_DEPTH 16
#define MAX_BYTES (2u << 20)

static u32 be32(const void *at) { return __builtin_bswap32(*(const u32 *)at); }

static u32 header(const void *tree, u32 index) { return be32((const u8 *)tree + 4 * index); }

u32 fdt_size(const void *tree) { return header(tree, 1); }

u64 fdt_number(const u8 *value, u32 cells) {
  u64 n = be32(value);
  return cells == 2 ? n << 32 | be32(value + 4) : n;
}

bool fdt_reg(const struct fdt_node *node, u32 index, u64 *base, u64 *bytes) {
  u32 a = node->address_cells, s = node->size_cells;
  if (node->reg.value == NULL || a < 1 || a > 2 || s > 2) return false;
  if ((u64)(index + 1) * (a + s) * 4 > node->reg.length) return false;
  const u8 *entry = node->reg.value + (u64)index * (a + s) * 4;
  *base = fdt_number(entry, a);
  *bytes = s == 0 ? 0 : fdt_number(entry + 4 * a, s);
  return true;
}

bool fdt_has(const struct fdt_property *property, const char *text) {
  u32 length = (u32)strlen(text) + 1;
  for (u32 at = 0; property->value != NULL && at < property->length;) {
    if (property->length - at >= length && memcmp(property->value + at, text, length) == 0) return true;
    while (at < property->length && property->value[at] != 0) at++;
    at++;
  }
  return false;
}

bool fdt_interrupt(const struct fdt_node *node, u32 index, u32 *intid, bool *edge) {
  if (node->interrupts.value == NULL || (index + 1) * 12 > node->interrupts.length) return false;
  const u8 *entry = node->interrupts.value + 12 * index;
  *intid = be32(entry + 4) + (be32(entry) == 1 ? 16 : 32); /* type 1 = private, 0 = shared */
  *edge = (be32(entry + 8) & 3) != 0;
  return true;
}

static void take(struct fdt_node *node, const char *name, const u8 *value, u32 length) {
  const struct {
    const char *name;
    struct fdt_property *property;
  } wanted[] = {
      {"compatible", &node->compatible}, {"reg", &node->reg},       {"interrupts", &node->interrupts},
      {"device_type", &node->device_type}, {"method", &node->method}, {"bootargs", &node->bootargs},
      {"iommus", &node->iommus},
  };
  for (u32 i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    if (same_text(name, wanted[i].name)) *wanted[i].property = (struct fdt_property){value, length};
  }
}

void fdt_walk(const void *tree, void (*visit)(const struct fdt_node *node)) {
  if (((u64)tree & 3) != 0 || header(tree, 0) != MAGIC || fdt_size(tree) > MAX_BYTES) {
    fail("no device tree at 0x%lx", (u64)tree);
  }
  const u8 *at = (const u8 *)tree + header(tree, 2);
  const char *strings = (const char *)tree + header(tree, 3);
  const u8 *limit = (const u8 *)tree + fdt_size(tree);
  /* Cells that the children of the node at each depth use; the specification's defaults are 2 and 1. */
  u32 address_cells[MAX_DEPTH], size_cells[MAX_DEPTH];
  struct fdt_node node;
  bool open = false; /* a node whose properties are being collected */
  u32 depth = 0; /* nodes begun and not ended */
  while (at < limit) {
    u32 token = be32(at);
    at += 4;
    if (token != PROP && token != NOP && open) {
      visit(&node);
      open = false;
    }
    if (token == BEGIN_NODE) {
      if (depth == MAX_DEPTH) fail("device tree is nested deeper than %u", MAX_DEPTH);
      node = (struct fdt_node){.name = (const char *)at, .depth = depth};
      node.address_cells = depth == 0 ? 2 : address_cells[depth - 1];
      node.size_cells = depth == 0 ? 1 : size_cells[depth - 1];
      address_cells[depth] = 2;
      size_cells[depth] = 1;
      depth++;
      open = true;
      at += (strlen((const char *)at) + 4) & ~3ull;
    } else if (token == PROP) {
      u32 length = be32(at);
      const char *name = strings + be32(at + 4);
      const u8 *value = at + 8;
      if (!open || length > (u32)(limit - value)) fail("device tree is broken");
      if (same_text(name, "#address-cells")) address_cells[depth - 1] = be32(value);
      else if (same_text(name, "#size-cells")) size_cells[depth - 1] = be32(value);
      else take(&node, name, value, length);
      at = value + ((length + 3) & ~3u);
    } else if (token == END_NODE) {
      if (depth == 0) fail("device tree is broken");
      depth--;
    } else if (token == END) {
      return;
    } else if (token != NOP) {
      fail("device tree is broken");
    }
  }
  fail("device tree has no end");
}
