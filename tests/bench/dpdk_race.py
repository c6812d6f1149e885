#!/usr/bin/env python3
"""Capture to disk over memif: ringtail on the port itself, against dpdk-dumpcap beside testpmd.

    tests/bench/dpdk_race.py --build build/release --directory /var/tmp
    tests/bench/dpdk_race.py --build build/release --directory /var/tmp --seconds 3 --sizes 128 --sides ringtail

    ringtail   ringtail send -> memif -> ringtail capture --writer direct
    dumpcap    ringtail send -> memif -> testpmd rxonly (primary) -> rte_pdump's ring -> dpdk-dumpcap
    tap        ringtail send -> memif -> testpmd rxonly (primary) -> rte_pdump's ring -> ringtail capture, as a tap

The sender has the first CPU, a capturing side all others given with --cpus (one by default, which both processes of
dumpcap's side then share; `--cpus 0,1,2` gives them one each). For each side the highest rate is searched at which the
sender gets rid of its packets and all of them are in the file; then CPU time per captured packet, of all processes of
the side together, at that rate, and at the highest rate that dumpcap's side carries. ">=": the sender could not go
faster, so the side can do more. Needs root and 300 huge pages of
2 MiB, which it reserves and gives back. The default takes about five minutes.
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
from dpdk import DpdkTestbed, Testpmd, as_testpmd_loads_drivers  # noqa: E402

SIDES = ("ringtail", "dumpcap", "tap")
LOWEST_RATE = 20_000  # packets per second
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process):
    """What it has used so far, its children not counted (proc(5): stat, fields 14 and 15)."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Race(DpdkTestbed):
    """One bench, dressed as a case for its helpers."""

    def runTest(self):
        pass

    def prepare(self, options):
        self.options = options
        self.file = options.directory / f"dpdk-race-{os.getpid()}.pcapng"
        self.addCleanup(self.file.unlink, missing_ok=True)
        self.reserve_huge_pages(300)
        self.sharing = self.share_memory("race")
        self.memif = f"rsize=13,socket={self.socket},socket-abstract=no"

    def on(self, cpus):
        """Programs started from here on run there."""
        os.sched_setaffinity(0, cpus)

    def open_side(self, side):
        """The processes of a side: the one that writes first."""
        self.socket.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)
        cpus = self.options.cpus[1:]
        self.on(cpus)
        if side == "ringtail":
            return [self.ringtail_capture(f"net_memif0,role=server,{self.memif}")]
        testpmd = Testpmd(self, f"net_memif0,role=server,{self.memif}", mode="rxonly", cpus=cpus,
                          memory_options=self.sharing)
        testpmd.start()
        if side == "tap":
            tap = self.ringtail_capture("pdump:race/0")
        else:
            tap = self.start("dpdk-dumpcap", "--file-prefix=race", "-q", "-i", "0", "-w", self.file,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=as_testpmd_loads_drivers())
        testbed.wait_until(lambda: self.file.exists() and self.file.stat().st_size > 0, "the file")
        time.sleep(0.3)
        return [tap, testpmd.process]

    def ringtail_capture(self, device):
        return self.start(self.ringtail, "capture", "-i", f"dpdk:{device}", "-w", self.file, "--writer", "direct", "-B",
                          "128", "-q", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run_once(self, side, size, rate):
        """(packets per second if nothing was lost, else 0; CPU nanoseconds per captured packet)"""
        processes = self.open_side(side)
        testbed.wait_until(self.socket.exists, "a socket to connect to")
        self.on(self.options.cpus[:1])
        before = [cpu_seconds(process) for process in processes]
        account = json.loads(testbed.run(self.ringtail, "send", "-i", f"dpdk:net_memif0,role=client,{self.memif}",
                                         "--size", size, "--rate", rate, "-a", f"duration:{self.options.seconds}",
                                         "--json", "-").stdout)
        time.sleep(0.2)
        used = sum(cpu_seconds(process) for process in processes) - sum(before)
        for process in processes:
            process.send_signal(signal.SIGINT)
            process.wait(testbed.LONGEST_WAIT)
        captured = self.packets_in_file()
        got_rid = account["sent_packets"] >= 0.97 * rate * self.options.seconds
        carried = captured == account["sent_packets"] and got_rid
        if self.options.verbose:
            print(f"  {side} {size} B at {rate:,.0f}/s: sent {account['sent_packets']:,}, captured {captured:,}, "
                  f"{used:.2f} s of CPU", file=sys.stderr)
        # Nothing was lost, nothing was in the sender's way, and yet it was late: it is the limit, not the side.
        self.sender_is_the_limit = captured == account["sent_packets"] and not got_rid and account["queue_full"] == 0
        return (account["sent_packets"] / account["elapsed_seconds"] if carried else 0,
                used * 1e9 / captured if captured else float("nan"))

    def packets_in_file(self):
        text = testbed.run("capinfos", "-c", "-M", "-T", "-r", self.file, seconds=300).stdout
        return int(text.split("\t")[1])

    def search(self, side, size):
        """The highest loss-free rate, to about a tenth, what a packet cost there, and whether the sender was the limit."""
        best, carried, refused, by_sender = (0, float("nan")), 0, None, False
        rate = self.options.start_rate
        while rate >= LOWEST_RATE and (refused is None or carried == 0 or refused / carried > 1.1):
            result = self.run_once(side, size, rate)
            if result[0] > 0:
                best, carried = result, rate
            else:
                refused, by_sender = rate, self.sender_is_the_limit
            if refused is None:
                rate *= 2
            elif carried == 0:
                rate /= 2
            else:
                rate = (carried * refused) ** 0.5
        return (*best, by_sender)

    def cost_at(self, side, size, rate):
        return statistics.median(self.run_once(side, size, rate)[1] for _ in range(3))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--directory", type=pathlib.Path, default=pathlib.Path("/var/tmp"), help="on the disk to write to")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[128, 512])
    parser.add_argument("--sides", type=lambda text: text.split(","), default=["dumpcap", "ringtail"])
    parser.add_argument("--cpus", type=lambda text: [int(cpu) for cpu in text.split(",")],
                        default=sorted(os.sched_getaffinity(0))[:2])
    parser.add_argument("--start-rate", type=float, default=200_000)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = parse()
    if len(options.cpus) < 2:
        sys.exit("dpdk_race: two CPUs are needed, one for the sender")
    if not options.inside:  # what testpmd shares with the tap is mounted for this run alone
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-B", __file__, "--inside", *sys.argv[1:]])
    testbed.build_directory = options.build.resolve()
    race = Race()
    race.setUp()
    try:
        race.prepare(options)
        print(f"sender on CPU {options.cpus[0]}, a side on CPU {options.cpus[1:]}, {options.seconds} s a run, "
              f"files in {options.directory}")
        print(f"{'bytes':>5}  {'side':10}{'loss-free/s':>14}{'CPU ns/packet':>16}{'same at the rate of dumpcap':>30}")
        for size in options.sizes:
            best = {side: race.search(side, size) for side in options.sides}
            common = best["dumpcap"][0] if "dumpcap" in best else 0
            for side in options.sides:
                rate, cost, by_sender = best[side]
                at_least = ">= " if by_sender else ""
                beside = race.cost_at(side, size, common * 0.98) if common else float("nan")
                print(f"{size:5}  {side:10}{f'{at_least}{rate:,.0f}':>14}{cost:16.0f}{beside:30.0f}", flush=True)
    finally:
        race.doCleanups()


if __name__ == "__main__":
    main()
