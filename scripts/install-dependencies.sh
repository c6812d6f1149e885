#!/usr/bin/env bash
# Installs the Debian 12 packages that ringtail is built and tested with; no other script installs anything.
#
#   scripts/install-dependencies.sh            everything: build and tests
#   scripts/install-dependencies.sh --build    only what compiling and running needs
#   scripts/install-dependencies.sh --list     print the package names, install nothing
#
# Quick when nothing is missing: it asks dpkg first and leaves apt alone.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build pkg-config
  libpcap-dev libnuma-dev libmnl-dev libdpdk-dev liburing-dev libexpected-dev
  libcli11-dev libfmt-dev libspdlog-dev nlohmann-json3-dev libtomlplusplus-dev libcpp-httplib-dev
  libcap-ng-dev libseccomp-dev libsystemd-dev libzstd-dev
)
test_packages=(
  clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev
  libgtest-dev libgmock-dev libbenchmark-dev abigail-tools
  iproute2 ethtool procps util-linux e2fsprogs strace time jq git python3
  tshark wireshark-common tcpdump netsniff-ng tcpreplay python3-scapy dpdk-dev zstd libfaketime systemd
)
# What quickstart.sh needs to generate and list traffic.
run_packages=(iproute2 netsniff-ng tshark wireshark-common jq)

packages=("${build_packages[@]}" "${test_packages[@]}")
case "${1:-}" in
  --build) packages=("${build_packages[@]}" "${run_packages[@]}") ;;
  --list)
    printf '%s\n' "${packages[@]}"
    exit 0
    ;;
  "") ;;
  *)
    echo "install-dependencies: unknown argument '$1' (see the head of this script)" >&2
    exit 2
    ;;
esac

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  [[ $state == ii* ]] || missing+=("$package")
done
((${#missing[@]} == 0)) && exit 0

if ((EUID != 0)); then
  echo "install-dependencies: root is needed to install: ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# wireshark-common asks whether dumpcap may be used without root; the default ("no") is what we want.
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
