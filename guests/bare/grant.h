/* Addresses as a device sees them: plain ones, or, behind Xen's grant IOMMU, names of grants (linux: drivers/xen/grant-dma-ops.c). */
#ifndef GRANT_H
#define GRANT_H
#include "bare.h"

/* From here on memory is shared with that domain by grants, page by page as it is used. */
void grant_init(u64 table, u64 ram, u32 domid);
/* What the device is to be told about these bytes. Their pages stay granted. */
u64 device_address(const volatile void *at, u64 bytes);
#endif
