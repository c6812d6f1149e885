#!/usr/bin/env python3
"""How many packets per second an analyzer counts that is attached to a daemon, against a program that has the device
to itself: `ringtail count -i ringtail:cap` and `ringtail count -i DEVICE`.

    tests/bench/share_rates.py --build build/release --seconds 4 --rounds 5

Paths: `null` (dpdk:net_null, which makes packets as fast as they are taken), `ring` (the kernel ring of a link; a sender of
64-byte frames at full speed shares the first CPU), `memif` (testpmd, txonly, shares the first CPU). Whoever has the
device is on the first CPU with null and ring, and on the second one with memif, where the attached analyzer shares the
second one with its daemon: three programs that never sleep on two CPUs. The daemon lends and writes nothing. Prints
medians of the rounds, which take turns, and what the attached analyzer missed. Needs root, two CPUs that do nothing
else, and 320 huge pages of 2 MiB for memif, which it reserves and gives back.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import testbed  # noqa: E402
from daemon import Daemon  # noqa: E402
from dpdk import Count, DpdkTestbed, Testpmd  # noqa: E402

NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
PATHS = ("null", "ring", "memif")
WAYS = ("own", "attached")


class Rates(DpdkTestbed):
    """One bench, dressed as a case for its helpers."""

    def runTest(self):
        pass

    def device(self, path):
        memif = f"dpdk:net_memif0,role=server,socket={self.socket},socket-abstract=no"
        return {"null": "dpdk:net_null0", "ring": "rx0", "memif": memif}[path]

    def start_sender(self, path):
        """What ends it, once it has begun to send."""
        if path == "null":
            return lambda: None
        if path == "ring":
            sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", 10**9, "--size", 64,
                                stdout=subprocess.DEVNULL)
            return lambda: (sender.kill(), sender.wait())
        sender = Testpmd(self, f"net_memif0,role=client,zero-copy=yes,socket={self.socket},socket-abstract=no",
                         mode="txonly", cpus=[self.cpus[0]])
        sender.start()
        return lambda: sender.stop()

    def on_cpu(self, number, start):
        os.sched_setaffinity(0, {self.cpus[number]})
        try:
            return start()
        finally:
            os.sched_setaffinity(0, set(self.cpus))

    def start_daemon(self, path):
        huge_pages = "true" if path == "memif" else "false"
        dpdk = "" if path == "ring" else f"[capture.dpdk]\nhuge_pages = {huge_pages}\n"
        return Daemon(self, f'[[capture]]\nname = "cap"\ninterfaces = ["{self.device(path)}"]\nbuffer_mib = 64\n'
                            f"{dpdk}[capture.share]\n")

    def measure(self, path, way, seconds):
        """Packets per second that were counted, and the share of them that was missed."""
        self.socket.unlink(missing_ok=True)
        owner_cpu = 1 if path == "memif" else 0
        daemon = None
        if way == "attached":
            daemon = self.on_cpu(owner_cpu, lambda: self.start_daemon(path))
            count = self.on_cpu(1, lambda: Count(self, "ringtail:cap"))
        else:
            options = [] if path != "null" else ["--no-huge"]
            count = self.on_cpu(owner_cpu, lambda: Count(self, self.device(path), *options))
        end_sender = self.on_cpu(0, lambda: self.start_sender(path))
        begin = time.monotonic()
        time.sleep(seconds)
        end_sender()
        elapsed = time.monotonic() - begin
        account = count.finish()
        if daemon:
            daemon.finish()
        missed = account["dropped_ring"] if way == "attached" else 0
        return account["delivered"] / elapsed, missed / max(1, account["delivered"] + missed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--paths", default=",".join(PATHS))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        os.execvp("unshare", ["unshare", *NAMESPACES, sys.executable, *sys.argv, "--inside"])
    testbed.build_directory = options.build.resolve()
    testbed.keep_kernel_quiet()
    bench = Rates()
    bench.setUp()
    bench.cpus = sorted(os.sched_getaffinity(0))
    os.environ["RINGTAIL_RUN_DIR"] = str(bench.directory / "run")
    try:
        bench.veth()
        bench.reserve_huge_pages(320)
        for path in options.paths.split(","):
            rates = {way: [] for way in WAYS}
            missed = []
            for _ in range(options.rounds):  # in turn, so that a disturbance meets all
                for way in WAYS:
                    rate, share = bench.measure(path, way, options.seconds)
                    rates[way].append(rate)
                    if way == "attached":
                        missed.append(share)
            own, attached = (statistics.median(rates[way]) for way in WAYS)
            print(f"{path:>6}: own {own / 1e6:.2f} ({min(rates['own']) / 1e6:.2f} to {max(rates['own']) / 1e6:.2f}), "
                  f"attached {attached / 1e6:.2f} ({min(rates['attached']) / 1e6:.2f} to "
                  f"{max(rates['attached']) / 1e6:.2f}) million packets/s, ratio {attached / own:.2f}, "
                  f"missed {100 * statistics.median(missed):.1f} %", flush=True)
    finally:
        bench.doCleanups()


if __name__ == "__main__":
    main()
