# The disk test: O_DIRECT reads and writes of /dev/vda, checked by checksum.
if [ -b /dev/vda ]; then
  echo "rcar-sim: vda $(cat /sys/block/vda/size) sectors, ro=$(cat /sys/block/vda/ro), serial '$(cat /sys/block/vda/serial)'"
  dd if=/dev/vda of=/tmp.bin bs=64k count=16 iflag=direct 2>/dev/null
  echo "rcar-sim: read 1 MiB sha256 $(sha256sum /tmp.bin | cut -d' ' -f1)"
  if [ "$(cat /sys/block/vda/ro)" = 0 ]; then
    dd if=/tmp.bin of=/dev/vda bs=64k seek=64 oflag=direct conv=fsync 2>/dev/null
    echo 3 > /proc/sys/vm/drop_caches
    dd if=/dev/vda of=/tmp2.bin bs=64k skip=64 count=16 iflag=direct 2>/dev/null
    echo "rcar-sim: write 1 MiB at 4 MiB, read back sha256 $(sha256sum /tmp2.bin | cut -d' ' -f1)"
  fi
  grep virtio /proc/interrupts
else
  echo "rcar-sim: no /dev/vda"
fi
echo "rcar-sim: done"
