#!/bin/bash
# What a node runs once its VM is up: containerd, kubelet and kube-proxy. Environment: LAB_NODE, LAB_ADDRESS,
# LAB_CONFIG (folder with the files that configuration.ts writes), LAB_KUBECONFIG, LAB_PROGRAMS (folders, for PATH).
# Logs go to /run/lab, a folder of the host, so that they outlive a power cut.

# kube-proxy calls plain "iptables". Debian's default is the nftables one, and this kernel has no NAT for it.
mkdir -p /run/legacy
for name in {ip,ip6}tables{,-save,-restore}; do ln -sf /usr/sbin/xtables-legacy-multi "/run/legacy/$name"; done
export PATH=/run/legacy:$LAB_PROGRAMS:$PATH

modprobe -a overlay veth bridge br_netfilter nf_conntrack iptable_nat iptable_filter \
  xt_comment xt_conntrack xt_mark xt_nat xt_statistic xt_tcpudp xt_MASQUERADE ipt_REJECT xt_addrtype
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables

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
keep_running kube-proxy kube-proxy --config="$LAB_CONFIG/kube-proxy.json" --hostname-override="$LAB_NODE" &
wait
