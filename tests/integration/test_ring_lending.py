"""`ringtaild` hands its rings to analyzers that are trusted with them: they read packets where the kernel put them, and
cannot hold the capture up. What is sent is less than would bring the kernel round to the first block, unless a case
wants that: so how fast the machine is does not matter."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys

import testbed
from capture import Capture
from daemon import Daemon, check_numbers, files
from test_daemon_lending import PYTHON_EXAMPLE, LendingCase
from testbed import wait_until

FULL = "RINGTAIL_FULL_TESTS" in os.environ
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class RingCase(LendingCase):
    def start_with_rings(self, share="", capture="", storage=True, buffer_mib=64):
        """A daemon that trusts root with its rings, lets nobody attach, and writes what it captures."""
        return Daemon(self, f'[[capture]]\nname = "cap"\ninterfaces = ["rx0"]\nbuffer_mib = {buffer_mib}\n'
                            f"block_bytes = 262144\nretire_timeout_ms = 50\n{capture}\n"
                            f'[capture.share]\nusers = ["nobody"]\nring_users = ["root"]\n{share}\n'
                            + (f'[capture.storage]\ndirectory = "{self.data}"\n' if storage else ""))

    def send_sizes(self, count, first=0):
        self.send_numbered(count, "--first", first, "--size", 60, "--largest-size", 1_514)

    @staticmethod
    def reads_a_ring(process):
        return "socket:[" in pathlib.Path(f"/proc/{process.pid}/maps").read_text()

    @staticmethod
    def packet_sockets():
        return len(pathlib.Path("/proc/net/packet").read_text().splitlines()) - 1


class Rings(RingCase):
    def lend_to_both_kinds(self, file_format):
        count = 20_000
        running = self.start_with_rings(capture=f'format = "{file_format}"')
        trusted = self.analyzer(count)
        stranger = self.start(*NOBODY, sys.executable, PYTHON_EXAMPLE, "ringtail:cap", stdout=subprocess.PIPE, text=True)
        self.wait_for_clients(running, 2)
        self.send_sizes(count)
        status = running.wait_for("cap", "all packets", lambda now: now["sources"][0]["received"] == count
                                  and now["sources"][0]["unread"] == 0 and now)
        self.assertEqual(0, status["share"]["evicted"] + status["share"]["broken"], status)
        self.assertTrue(self.reads_a_ring(trusted))
        self.assertFalse(self.reads_a_ring(stranger))
        self.assertEqual({trusted.pid: True, stranger.pid: False},
                         {client["pid"]: client["reads_rings"] for client in status["share"]["clients"]})
        running.finish()
        dropped = status["sources"][0]["dropped_ring"]
        verdict = self.verdict(trusted)
        self.assertEqual(count, verdict["books"]["received"], verdict)
        self.assertEqual(verdict["books"]["dropped_ring"], verdict["missing"], verdict)
        self.assertEqual((count - dropped, dropped), self.packets_and_dropped(stranger))
        self.assertEqual(dropped, check_numbers(self, files(self.data), count)["missing"])

    def test_both_kinds_of_readers_while_pcapng_is_written(self):
        self.lend_to_both_kinds("pcapng")

    def test_both_kinds_of_readers_while_pcap_is_written(self):
        self.lend_to_both_kinds("pcap")

    def test_compacting_keeps_its_hands_off(self):
        running = self.start_with_rings(capture='layout = "compact"')
        trusted = self.analyzer(20_000)
        self.wait_for_clients(running, 1)
        self.send_sizes(20_000)
        self.delivered(running, 20_000)
        self.assertTrue(self.reads_a_ring(trusted))
        running.finish()
        self.assertEqual(20_000, self.verdict(trusted)["books"]["received"])
        self.assertEqual(0, check_numbers(self, files(self.data), 20_000)["missing"])

    def test_several_rings(self):
        running = self.start_with_rings(capture="threads = 2")
        trusted = self.analyzer(20_000)
        self.wait_for_clients(running, 1)
        self.send_numbered(20_000, "--size", 1_000, "--flows", 100)
        self.delivered(running, 20_000)
        self.assertTrue(self.reads_a_ring(trusted))
        running.finish()
        verdict = json.loads(trusted.communicate(timeout=testbed.LONGEST_WAIT)[0])
        for fault in ("damaged", "duplicates", "invented", "foreign"):
            self.assertEqual(0, verdict[fault], verdict)
        self.assertEqual(20_000, verdict["distinct"] + verdict["books"]["dropped_ring"], verdict)

    def test_a_reload_decides_for_those_who_come_then(self):
        running = self.start_with_rings()
        before = running.configuration_path.read_text()
        trusted = self.analyzer(10_000)
        running.write_configuration(before.replace('ring_users = ["root"]', ""))
        running.do("cap", "reload")
        running.do("cap", "rotate")  # which comes behind it
        later = self.analyzer(10_000)
        self.wait_for_clients(running, 2)
        self.send_sizes(10_000)
        self.delivered(running, 10_000)
        self.assertTrue(self.reads_a_ring(trusted))
        self.assertFalse(self.reads_a_ring(later))
        running.finish()
        for analyzer in (trusted, later):
            self.assertEqual(10_000, self.verdict(analyzer)["books"]["received"])

    def test_a_new_filter_is_a_new_ring(self):
        running = self.start_with_rings()
        capture = Capture(self, interface="ringtail:cap")
        self.wait_for_clients(running, 1)
        self.send_sizes(5_000)
        self.delivered(running, 5_000)
        running.do("cap", "filter", filter="ether proto 0x88b6")
        self.send_sizes(5_000, first=5_000)
        self.delivered(running, 10_000)
        wait_until(lambda: self.packet_sockets() == 1, "the old ring to go")
        running.finish()
        self.assertEqual(10_000, capture.wait()["written_packets"])
        self.assertEqual(0, capture.check_numbers(10_000)["missing"])


class Faults(RingCase):
    def test_who_hangs_is_evicted_before_the_kernel_comes_round(self):
        """Long before the hold limit; else the capture would end with the first ring full."""
        count = 40_000
        running = self.start_with_rings("hold_limit_ms = 600000", storage=False, buffer_mib=8)
        hanging = self.analyzer(count)
        self.wait_for_clients(running, 1)
        hanging.send_signal(signal.SIGSTOP)
        self.send_numbered(count, "--size", 1_400, "--rate", 20_000)
        status = running.wait_for("cap", "all packets", lambda now: now["sources"][0]["received"] == count
                                  and now["sources"][0]["unread"] == 0 and now)
        self.assertEqual(1, status["share"]["evicted"], status["share"])
        source = status["sources"][0]
        self.assertEqual(count, source["delivered"] + source["dropped_ring"], source)
        self.assertGreater(source["delivered"], count / 2, "a ring has room for a seventh")
        hanging.send_signal(signal.SIGCONT)
        hanging.communicate(timeout=testbed.LONGEST_WAIT)
        self.assertEqual(1, hanging.returncode, "it is told")
        running.finish()

    def test_a_daemon_that_is_killed_leaves_no_socket_behind(self):
        """Though its analyzer lives on, and had the ring mapped."""
        running = self.start_with_rings(storage=False)
        capture = Capture(self, "--wait", interface="ringtail:cap")
        self.wait_for_clients(running, 1)
        self.send_sizes(5_000)
        self.delivered(running, 5_000)
        self.assertTrue(self.reads_a_ring(capture.process))
        running.process.kill()
        running.process.wait()
        wait_until(lambda: self.packet_sockets() == 0, "the socket to go")
        running.start()
        self.wait_for_clients(running, 1)
        self.send_sizes(5_000, first=5_000)
        self.delivered(running, 5_000)
        running.finish()
        self.assertEqual(10_000, capture.finish()["written_packets"])
        self.assertEqual(0, capture.check_numbers(10_000)["missing"])

    def test_analyzers_that_are_killed_at_any_time(self):
        seed = random.randrange(1 << 32)
        print("seed", seed)
        chance = random.Random(seed)
        rounds = 200 if FULL else 5
        running = self.start_with_rings("hold_limit_ms = 300")
        for number in range(rounds):
            victims = [self.start(self.ringtail, "count", "-i", "ringtail:cap", stdout=subprocess.DEVNULL)
                       for _ in range(3)]
            self.wait_for_clients(running, 3)
            sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--first", number * 2_000, "--count", 2_000,
                                "--size", 1_000, "--rate", 20_000, stdout=subprocess.DEVNULL)
            for victim in victims:
                victim.send_signal(chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)))
            sender.wait()
            for victim in victims:
                victim.wait()
            self.wait_for_clients(running, 0)
        status = self.delivered(running, rounds * 2_000)
        self.assertEqual(0, running.status("cap")["share"]["broken"], status)
        running.finish()
        self.assertEqual(0, check_numbers(self, files(self.data), rounds * 2_000)["missing"])
