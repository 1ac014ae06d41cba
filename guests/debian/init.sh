#!/bin/busybox sh
# First process of the rcar-sim Debian guest. Kernel command line:
#   rcar.run=demo    test the virtio disk, then power off (rcar.end=reboot: reboot instead)
#   rcar.run=shell   a shell on the console (default)
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null || mdev -s
run=shell
end=poweroff
for word in $(cat /proc/cmdline); do
  case "$word" in
    rcar.run=*) run=${word#rcar.run=} ;;
    rcar.end=*) end=${word#rcar.end=} ;;
  esac
done
echo "rcar-sim: init, Linux $(uname -r), $(grep -c '^processor' /proc/cpuinfo) CPU(s)"
[ -r /sys/hypervisor/type ] && echo "rcar-sim: hypervisor $(cat /sys/hypervisor/type)"
while read -r module; do
  insmod "/modules/$module.ko" && echo "rcar-sim: insmod $module"
done < /modules/order
if [ "$run" = demo ]; then
  . /demo.sh
  [ "$end" = reboot ] && reboot -f
  poweroff -f
fi
[ -x /init.user ] && exec /init.user
echo "rcar-sim: shell; 'poweroff -f' ends the guest"
exec setsid cttyhack sh
