#!/bin/busybox sh
# First process of a guest that reads and writes all its disks at once: for each disk a reader of its first MiB and a writer
# of a pattern of its own at 4 MiB, which is read back. Sums are printed when all are done.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
say() { echo "disks: $*"; }
while read -r module; do insmod "/modules/$module.ko"; done < /modules/order
sum() { sha256sum "$1" | cut -d' ' -f1; }
one() {
  dd if=/dev/$1 of=/$1.in bs=64k count=16 iflag=direct 2>/dev/null
  i=0
  while [ $i -lt 1024 ]; do printf '%s %06d of the pattern that is written to one of the disks\n' "$1" $i; i=$((i + 1)); done > /$1.out
  dd if=/$1.out of=/dev/$1 bs=4k seek=1024 conv=fsync 2>/dev/null
  echo 1 > /proc/sys/vm/drop_caches
  dd if=/dev/$1 of=/$1.back bs=4k skip=1024 count=$(($(stat -c %s /$1.out) / 4096)) iflag=direct 2>/dev/null
  head -c $(stat -c %s /$1.back) /$1.out > /$1.same
}
for disk in $(ls /sys/block | grep ^vd); do one $disk & done
wait
for disk in $(ls /sys/block | grep ^vd); do
  say "$disk read $(sum /$disk.in) wrote $(sum /$disk.same) back $(sum /$disk.back) $(stat -c %s /$disk.back)"
done
if [ "$(cat /sys/block/vda/queue/discard_max_bytes)" != 0 ]; then
  blkdiscard -o 7340032 -l 1048576 /dev/vda
  # Documentation/block/stat.rst: field 14 is sectors discarded.
  say "vda features $(cat /sys/block/vda/device/features) discard $(cat /sys/block/vda/queue/discard_max_bytes) did $(awk '{print $14}' /sys/block/vda/stat)"
fi
say "cpus $(grep -c ^processor /proc/cpuinfo)"
poweroff -f
