#!/bin/bash
# plug.sh NAME LUN LINK: puts the disk in: LIO announces a LUN when it gets a port. Returns when udev has made the link.
set -e
target=/sys/kernel/config/target
lun=$target/loopback/naa.6001405000000001/tpgt_1/lun/lun_$2
[ ! -e "$lun/port" ] || { echo "disk $1 is plugged in already" >&2; exit 3; }
ln -s "$target/core/fileio_0/$1" "$lun/port"
# the kernel may find it after the write has returned, when there is nothing to settle yet
udevadm wait --timeout=60 --settle "$3"
