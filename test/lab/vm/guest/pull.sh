#!/bin/bash
# pull.sh NAME LUN: takes the disk out under whatever uses it, as a hand would.
set -e
lun=/sys/kernel/config/target/loopback/naa.6001405000000001/tpgt_1/lun/lun_$2
[ -e "$lun/port" ] || { echo "disk $1 is not plugged in" >&2; exit 3; }
# Offline first: a removal that the kernel knows of flushes the disk's cache, and a hand does not wait for that.
echo offline | tee /sys/devices/tcm_loop_0/tcm_loop_adapter_*/host*/target*/*:0:1:"$2"/state >/dev/null
rm "$lun/port"
udevadm settle
