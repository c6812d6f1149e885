#!/usr/bin/env python3
"""What N analyzers of one link cost the machine: a packet socket and ring for each (rings), one daemon that lends copies to
all (lent), or its ring (ring).

    tests/bench/share_paths.py --build build/release --rounds 5

A private pair of links, a sender of numbered frames at a fixed rate, and 1, 2, 4, 8 times `ringtail count`. The cost is CPU
time of the whole machine, interrupts included, less what the sender alone takes: nanoseconds for each frame sent, medians.
`lost` is the most that any analyzer missed, in percent. Needs root, and a machine that does nothing else.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import testbed  # noqa: E402
from testbed import Testbed, wait_until  # noqa: E402

NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
WAYS = ("rings", "lent", "ring")


def busy_seconds():
    """Of all CPUs since the start (proc(5), /proc/stat): user, nice, system, irq, softirq."""
    fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


class Paths(Testbed):
    """One bench, dressed as a case for its helpers."""

    def runTest(self):
        pass

    def start_analyzers(self, way, count):
        device = "rx0" if way == "rings" else "ringtail:rx0"
        if way != "rings" and count > 0:
            trusted = '["root"]' if way == "ring" else "[]"
            self.daemon = self.start(testbed.build_directory / "capture" / "ringtaild", "-i", "rx0", "--run-dir",
                                     self.directory / "run", "--set", "retire_timeout_ms=100", "--set", f"share.ring_users={trusted}",
                                     stderr=subprocess.DEVNULL)
            wait_until((self.directory / "run" / "rx0.sock").exists, "the daemon")
            time.sleep(0.3)
        paths = [self.directory / f"count{number}.json" for number in range(count)]
        analyzers = [self.start(self.ringtail, "count", "-i", device, "--json", path, stdout=subprocess.DEVNULL)
                     for path in paths]
        time.sleep(0.5)
        return analyzers, paths

    def end_analyzers(self, way, analyzers):
        time.sleep(0.5)
        for analyzer in analyzers:
            analyzer.send_signal(signal.SIGINT)
            analyzer.wait()
        if way != "rings" and analyzers:
            self.daemon.terminate()
            self.daemon.wait()

    def measure(self, way, count, frames, rate, size):
        """Seconds of CPU that went while frames were sent and read, and the greatest loss of an analyzer."""
        analyzers, paths = self.start_analyzers(way, count)
        before = busy_seconds()
        self.send_numbered(frames, "--rate", rate, "--size", size, seconds=600)
        time.sleep(0.3)
        used = busy_seconds() - before
        self.end_analyzers(way, analyzers)
        delivered = [json.loads(path.read_text())["delivered"] for path in paths]
        return used, max((frames - each for each in delivered), default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=200_000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--analyzers", default="1,2,4,8")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        os.execvp("unshare", ["unshare", *NAMESPACES, sys.executable, *sys.argv, "--inside"])
    testbed.build_directory = options.build.resolve()
    testbed.keep_kernel_quiet()
    bench = Paths()
    bench.setUp()
    os.environ["RINGTAIL_RUN_DIR"] = str(bench.directory / "run")
    try:
        bench.veth()
        bench.send_numbered(10_000)
        work = (options.frames, options.rate, options.size)
        print(f"{'analyzers':>9}  " + "".join(f"{way + ' ns':>12}{'lost %':>8}" for way in WAYS))
        for count in map(int, options.analyzers.split(",")):
            seconds = {way: [] for way in ("alone", *WAYS)}
            lost = dict.fromkeys(WAYS, 0)
            for _ in range(options.rounds):  # in turn, so that a disturbance meets all
                seconds["alone"].append(bench.measure("rings", 0, *work)[0])
                for way in WAYS:
                    used, missed = bench.measure(way, count, *work)
                    seconds[way].append(used)
                    lost[way] = max(lost[way], missed)
            alone = statistics.median(seconds["alone"])
            line = f"{count:>9}  "
            for way in WAYS:
                nanoseconds = (statistics.median(seconds[way]) - alone) * 1e9 / options.frames
                line += f"{nanoseconds:12,.0f}{100 * lost[way] / options.frames:8.2f}"
            print(line, flush=True)
    finally:
        bench.doCleanups()


if __name__ == "__main__":
    main()
