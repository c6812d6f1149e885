"""Analyzers in C++, C and Python on one daemon: each sees every packet, whatever becomes of others beside them."""

import json
import os
import pathlib
import signal
import subprocess
import sys

from capture import Capture
from daemon import Daemon
from dpdk import DpdkTestbed
from test_daemon_lending import FULL, PYTHON_EXAMPLE, LendingCase, lending_only
from testbed import LONGEST_WAIT, wait_until, wait_until_bound

COUNT = 1_000_000 if FULL else 200_000
RATE = 200_000  # a second
# Rings and shared memory in which all of it has room: what is not read in time waits, however busy this machine is.
# Memory that nothing is written to costs nothing.
BUFFER_MIB = COUNT // 1000
SHARED_MIB = 32_768


# Counts packets. A child gives a batch back that is not its own, asks for another, stops and closes: nothing of it counts.
FORKING_ANALYZER = """
import os, sys, ringtail

def be_a_child(source, batch):
    batch.release()
    try:
        next(iter(source))
    except ringtail.Error as error:
        source.stop()
        source.close()
        os._exit(7 if "parent" in str(error) else 1)
    os._exit(1)

packets, statuses = 0, []
with ringtail.Source(sys.argv[1]) as source:
    for batch in source:
        with batch:
            packets += len(batch)
            if len(statuses) < 3:
                child = os.fork()
                if child == 0:
                    be_a_child(source, batch)
                statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        if packets >= int(sys.argv[2]):
            break
    print(packets, set(statuses), source.stats().dropped_ring)
"""


class EverybodySeesEverything(LendingCase, DpdkTestbed):
    longest_seconds = 300 if FULL else LendingCase.longest_seconds

    def start_daemon_on(self, interface, capture=""):
        return Daemon(self, f'[[capture]]\nname = "cap"\ninterfaces = ["{interface}"]\n{capture}\n'
                            f"[capture.share]\nmemory_mib = {SHARED_MIB}\n")

    def in_other_languages(self):
        """The analyzers in C and in Python."""
        environment = {**os.environ, "PYTHONPATH": str(PYTHON_EXAMPLE.parent)}
        python = (sys.executable, "-B", pathlib.Path(__file__).with_name("analyzer.py"))
        return [self.start(*program, "ringtail:cap", stdout=subprocess.PIPE, text=True, env=environment)
                for program in ((self.helper("c_analyzer"),), python)]

    def check(self, running, *sender):
        """Three analyzers, a fourth that is killed and a fifth that hangs, while `sender` sends its numbered frames. There
        is room for all of them, so the fifth is not skipped either: one that is, and is evicted, is in
        test_daemon_lending."""
        cpp = self.analyzer(COUNT)
        others = self.in_other_languages()
        killed = self.analyzer(COUNT)
        hanging = self.analyzer(COUNT)
        self.wait_for_clients(running, 5)
        sending = self.start(*sender, stdout=subprocess.PIPE)
        running.wait_for("cap", "packets", lambda now: now["share"]["lent_packets"] > 0)
        killed.kill()
        hanging.send_signal(signal.SIGSTOP)
        sending.communicate(timeout=60)
        self.assertEqual(0, sending.returncode)
        status = running.wait_for("cap", "all packets", lambda now: now["delivered"] == COUNT and now)
        self.assertEqual(0, status["share"]["broken"], status)
        running.finish()
        verdict = self.verdict(cpp)
        self.assertEqual((COUNT, 0, 0), (verdict["packets"], verdict["missing"], verdict["books"]["dropped_ring"]))
        for other in others:
            said = json.loads(other.communicate(timeout=60)[0])
            self.assertEqual({"packets": COUNT, "wrong": 0, "dropped": 0}, said)

    def test_on_a_link(self):
        running = self.start_daemon_on("rx0", f"buffer_mib = {BUFFER_MIB}")
        self.check(running, self.helper("frame_sender"), "-i", "tx0", "--count", COUNT, "--rate", RATE)

    def test_between_two_processes(self):
        """DPDK's memif: the packets are lent out of the daemon by a path on which the kernel sees none of them."""
        self.reserve_huge_pages()
        recorded = Capture(self, "-F", "pcap", "-B", BUFFER_MIB, path=self.directory / "numbered.pcap")
        self.send_numbered(COUNT, "--rate", RATE)
        self.assertEqual(COUNT, recorded.finish()["written_packets"])
        address = f"socket={self.socket},socket-abstract=no,rsize=13"
        running = self.start_daemon_on(f"dpdk:net_memif0,role=server,{address}")
        wait_until(self.socket.exists, "a socket to connect to")
        self.check(running, self.ringtail, "send", "-i", f"dpdk:net_memif0,role=client,zero-copy=yes,{address}", "-r",
                   recorded.path, "--rate", RATE)


class Forks(LendingCase):
    def test_analyzers_that_fork(self):
        """On what is lent and on a ring of their own: what a child does is nothing to its parent, nor to the daemon."""
        running = Daemon(self, lending_only())
        environment = {**os.environ, "PYTHONPATH": str(PYTHON_EXAMPLE.parent)}
        analyzers = [self.start(sys.executable, "-c", FORKING_ANALYZER, device, 2_000, stdout=subprocess.PIPE, text=True,
                                env=environment) for device in ("ringtail:cap", "rx0")]
        self.wait_for_clients(running, 1)
        wait_until_bound(2)
        self.send_numbered(2_000, "--rate", 2_000)
        for analyzer in analyzers:
            self.assertEqual("2000 {7} 0\n", analyzer.communicate(timeout=LONGEST_WAIT)[0])
        self.wait_for_clients(running, 0)
        self.assertEqual(0, running.status("cap")["share"]["broken"])
        running.finish()
