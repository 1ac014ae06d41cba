/* The flattened device tree (Devicetree Specification 0.4, chapter 5), read in place. */
#ifndef FDT_H
#define FDT_H
#include "bare.h"

struct fdt_property {
  const u8 *value; /* NULL = not there */
  u32 length;
};

/* One node with the properties that a bare program asks for. Cells are big endian. */
struct fdt_node {
  const char *name;
  u32 depth; /* 0 = root */
  u32 address_cells, size_cells; /* of the parent: for reg */
  struct fdt_property compatible, reg, interrupts, device_type, method, bootargs, iommus;
};

/* Calls visit for every node, parents first. Fails when the tree is broken. */
void fdt_walk(const void *tree, void (*visit)(const struct fdt_node *node));
/* Size of the tree in bytes. */
u32 fdt_size(const void *tree);
/* A big-endian number of 1 or 2 cells. */
u64 fdt_number(const u8 *value, u32 cells);
/* Entry `index` of reg; false if there is none. */
bool fdt_reg(const struct fdt_node *node, u32 index, u64 *base, u64 *bytes);
/* Whether a list of strings (compatible) or a single one holds the text. */
bool fdt_has(const struct fdt_property *property, const char *text);
/* Entry `index` of interrupts in the GIC's three-cell form: type, number, flags (GIC binding of Linux). */
bool fdt_interrupt(const struct fdt_node *node, u32 index, u32 *intid, bool *edge);
#endif
