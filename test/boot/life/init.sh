#!/bin/busybox sh
# First process of a guest that goes through the operations of the observed life, in its order. The first life ends in a
# reboot, the second, which finds the first one's mark on the disk, in power-off. Reading "status" makes one read of a device
# register: it parts the operations in the trace. With "short" on the command line the guest only loads the drivers.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
say() { echo "life: $*"; }
next() { read -r status < /sys/bus/virtio/devices/virtio0/status; }
sum() { say "$1 sha256 $(sha256sum "$2" | cut -d' ' -f1)"; }
say "linux $(uname -r)"
while read -r module; do
  insmod "/modules/$module.ko"
  if [ "$module" = virtio_mmio ]; then next; fi
done < /modules/order
grep -qw short /proc/cmdline && poweroff -f
next
dd if=/dev/vda of=/mark bs=4k skip=2000 count=1 iflag=direct 2>/dev/null
next
if [ "$(head -c 6 /mark)" = SECOND ]; then
  dd if=/dev/vda of=/kept bs=64k skip=64 count=16 iflag=direct 2>/dev/null
  sum kept /kept
  say "interrupts $(grep virtio /proc/interrupts)"
  poweroff -f
fi
dd if=/dev/vda of=/a bs=4k count=1 iflag=direct 2>/dev/null
next
dd if=/dev/vda of=/a bs=64k count=16 iflag=direct 2>/dev/null
next
sum read1M /a
dd if=/dev/vda of=/b bs=1M skip=1 count=1 iflag=direct 2>/dev/null
next
sum read1Mbs1M /b
dd if=/a of=/dev/vda bs=4k seek=512 count=1 oflag=direct 2>/dev/null
next
dd if=/a of=/dev/vda bs=64k seek=64 count=16 oflag=direct 2>/dev/null
next
dd if=/a of=/dev/vda bs=4k seek=513 count=1 oflag=direct conv=fsync 2>/dev/null
next
echo 3 > /proc/sys/vm/drop_caches
dd if=/dev/vda of=/c bs=64k skip=64 count=16 iflag=direct 2>/dev/null
next
sum back /c
say "serial '$(cat /sys/block/vda/serial)'"
next
{ echo SECOND; dd if=/dev/zero bs=4089 count=1 2>/dev/null; } > /mark
dd if=/mark of=/dev/vda bs=4k seek=2000 count=1 oflag=direct 2>/dev/null
next
say "interrupts $(grep virtio /proc/interrupts)"
rmmod virtio_blk
rmmod virtio_mmio
reboot -f
