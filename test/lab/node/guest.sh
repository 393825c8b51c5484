#!/bin/bash
# What a node runs once its VM is up: containerd and kubelet. Environment: LAB_NODE, LAB_ADDRESS,
# LAB_CONFIG (folder with the files that configuration.ts writes), LAB_KUBECONFIG, LAB_PROGRAMS (folders, for PATH).
# Logs go to /run/lab, a folder of the host, so that they outlive a power cut.

export PATH=$LAB_PROGRAMS:$PATH

modprobe -a overlay veth bridge
echo 1 >/proc/sys/net/ipv4/ip_forward

# A program that ends is started again, as systemd would: tests kill it to see what happens then.
keep_running() {
  local name=$1
  shift
  while :; do
    "$@" >>"/run/lab/$name.log" 2>&1
    echo "lab: $name ended with status $?" >>"/run/lab/$name.log"
    sleep 1
  done
}

keep_running containerd containerd --config "$LAB_CONFIG/containerd.toml" &
until [ -S /run/containerd/containerd.sock ]; do sleep 0.2; done
keep_running kubelet kubelet --config="$LAB_CONFIG/kubelet.json" --kubeconfig="$LAB_KUBECONFIG" \
  --hostname-override="$LAB_NODE" --node-ip="$LAB_ADDRESS" &
wait
