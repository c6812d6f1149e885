"""One process captures, others read what it lends: none of them can spoil it for the rest."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import testbed
from capture import Capture
from testbed import Testbed, run, wait_until

PYTHON_EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "lib/examples/python/protocol_counter.py"


class Lending(Testbed):
    def setUp(self):
        super().setUp()
        os.environ["RINGTAIL_RUN_DIR"] = str(self.directory / "run")
        os.environ["RINGTAIL_LIBRARY"] = str(testbed.build_directory / "lib" / "libringtail.so.0")
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        self.veth()

    def start_ready(self, name, *options):
        """A helper that says when it is ready, and its account at the end."""
        process = self.start(self.helper(name), *options, stdout=subprocess.PIPE, text=True)
        self.assertEqual("ready\n", process.stdout.readline())
        return process

    def finish(self, process):
        process.send_signal(signal.SIGINT)
        account = json.loads(process.communicate(timeout=60)[0])
        self.assertEqual(0, process.returncode, account)
        return account

    def check_every_packet_is_seen_or_skipped(self, verdict, count):
        books = verdict["books"]
        self.assertEqual(count, books["received"], verdict)
        self.assertEqual(count, books["delivered"] + books["dropped_ring"], verdict)
        self.assertEqual(books["dropped_ring"], verdict["missing"], verdict)
        for fault in ("damaged", "duplicates", "invented", "foreign", "out_of_order"):
            self.assertEqual(0, verdict[fault], verdict)

    def test_three_analyzers_while_a_fourth_is_killed_and_a_fifth_hangs(self):
        count = 100_000
        lender = self.start_ready("lender", "-i", "rx0", "--hold-limit", 1_500)
        cpp = self.start_ready("analyzer", "-i", "ringtail:test", "--count", count)
        slow = self.start_ready("analyzer", "-i", "ringtail:test", "--count", count, "--packet-ns", 2_000)
        python = self.start(sys.executable, PYTHON_EXAMPLE, "ringtail:test", stdout=subprocess.PIPE, text=True)
        killed = self.start_ready("analyzer", "-i", "ringtail:test", "--count", count)
        hanging = self.start_ready("analyzer", "-i", "ringtail:test", "--count", count)
        self.wait_for_clients(5)
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", count, "--rate", 50_000,
                            stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)
        killed.kill()
        hanging.send_signal(signal.SIGSTOP)
        sent = json.loads(sender.communicate(timeout=60)[0])
        self.assertEqual(count, sent["accepted"])
        time.sleep(2.0)  # past the hold limit for the one that hangs
        verdicts = [self.finish(analyzer) for analyzer in (cpp, slow)]
        account = self.finish(lender)
        lost_before = count - account["received"]
        for verdict in verdicts:
            self.check_every_packet_is_seen_or_skipped(verdict, count - lost_before)
        self.assertEqual(account["received"], account["delivered"], "the capture itself loses nothing")
        self.assertEqual(1, account["evicted"], account)
        self.assertEqual(0, account["broken"], account)
        python_counted = python.communicate(timeout=testbed.LONGEST_WAIT)[0].splitlines()[-1]
        packets, _, dropped = (int(part.split()[0]) for part in python_counted.split(", "))
        self.assertEqual(account["received"], packets + dropped, python_counted)

    def wait_for_clients(self, count):
        """Each has a connected socket at the lender's end."""
        path = str(self.directory / "run" / "test.sock")
        connected = lambda: sum(line.split()[-1] == path and line.split()[5] == "03"
                                for line in open("/proc/net/unix", encoding="ascii"))
        wait_until(lambda: connected() >= count, f"{count} clients")

    def test_analyzers_that_are_killed_at_any_time(self):
        seed = random.randrange(1 << 32)
        print("seed", seed)
        rounds = random.Random(seed)
        lender = self.start_ready("lender", "-i", "rx0")
        steady = self.start_ready("analyzer", "-i", "ringtail:test", "--count", 60_000)
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", 60_000, "--rate", 20_000,
                            stdout=subprocess.PIPE, text=True)
        victims = 0
        while sender.poll() is None:
            victim = self.start_ready("analyzer", "-i", "ringtail:test")
            time.sleep(rounds.random() / 20)
            victim.kill()
            victim.wait()
            victims += 1
        time.sleep(0.3)
        verdict = self.finish(steady)
        account = self.finish(lender)
        self.check_every_packet_is_seen_or_skipped(verdict, account["received"])
        self.assertEqual(60_000, account["received"], account)
        self.assertEqual(victims + 1, account["admitted"], account)
        self.assertEqual((0, 0), (account["evicted"], account["broken"]), account)

    def test_what_is_lent_can_be_recorded(self):
        lender = self.start_ready("lender", "-i", "rx0")
        capture = Capture(self, interface="ringtail:test")
        self.send_numbered(5_000, "--size", 60, "--largest-size", 1_514)
        written = capture.finish()["written_packets"]
        self.assertEqual(5_000, written)
        self.assertEqual(0, capture.check_numbers(5_000)["missing"])
        self.finish(lender)

    def test_a_lender_that_is_killed_ends_the_stream_with_a_reason(self):
        lender = self.start_ready("lender", "-i", "rx0")
        capture = Capture(self, interface="ringtail:test")
        self.send_numbered(1_000)
        lender.kill()
        self.assertEqual(1_000, capture.wait(status=1)["written_packets"])
        self.assertIn("ringtail:test: its publisher has gone", capture.errors())
        refused = run(self.ringtail, "count", "-i", "ringtail:test", status=1)
        self.assertIn("is its publisher running?", refused.stderr)
        self.finish(self.start_ready("lender", "-i", "rx0"))
