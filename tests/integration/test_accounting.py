"""A million numbered frames at full speed: whatever the consumer does, every one is accounted for."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pcapng
import readers
from capture import Capture
from testbed import Testbed

MILLION = 1_000_000
EVEN = "ether[14] & 1 = 0"  # numbers are little-endian at offset 14


class Accounting(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def test_idle(self):
        capture = Capture(self)
        time.sleep(1)
        account = capture.finish()
        self.assertEqual(0, account["sources"][0]["received"])
        self.assertEqual(0, account["written_packets"])
        self.assertEqual(0, capture.check_numbers(0)["packets"])

    def test_healthy(self):
        capture = Capture(self)
        sent = self.send_numbered(MILLION)
        capture.finish()
        verdict = capture.check_nothing_unaccounted(sent, MILLION)
        self.assertEqual(0, verdict["out_of_order"])

    def test_healthy_internet_mix(self):
        capture = Capture(self)
        sent = self.send_numbered(200_000, "--mix")
        account = capture.finish()
        verdict = capture.check_nothing_unaccounted(sent, 200_000)
        self.assertEqual(account["captured_bytes"], verdict["captured_bytes"])

    def test_stopped_consumer(self):
        capture = Capture(self, "-B", "4")
        capture.send(signal.SIGSTOP)
        sent = self.send_numbered(MILLION)
        capture.send(signal.SIGCONT)
        source = capture.finish()["sources"][0]
        self.assertGreater(source["dropped_ring"], 0)
        self.assertGreater(source["freezes"], 0)
        capture.check_nothing_unaccounted(sent, MILLION)

    def test_consumer_stopped_now_and_then(self):
        capture = Capture(self, "-B", "8")
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", MILLION, stdout=subprocess.PIPE)
        while sender.poll() is None:
            capture.send(signal.SIGSTOP)
            time.sleep(0.15)
            capture.send(signal.SIGCONT)
            time.sleep(0.15)
        sent = json.loads(sender.stdout.read())
        time.sleep(0.1)
        capture.finish()
        capture.check_nothing_unaccounted(sent, MILLION)

    def test_filter_drops_half(self):
        capture = Capture(self, "-f", EVEN)
        sent = self.send_numbered(MILLION)
        capture.finish()
        capture.check_nothing_unaccounted(sent, MILLION // 2, step=2)

    def test_fanout_of_two(self):
        capture = Capture(self, "--threads", "2")
        sent = self.send_numbered(MILLION, "--flows", 256, "--size", 72)
        capture.finish()
        capture.check_nothing_unaccounted(sent, MILLION)
        self.assertEqual(2, len(capture.files()))
        for file in capture.files():
            self.assertGreater(file.stat().st_size, MILLION, "both members get a share")

    def test_fanout_of_two_with_a_filter_and_small_rings(self):
        capture = Capture(self, "--threads", "2", "-B", "4", "-f", "ether[56] & 1 = 0")
        capture.send(signal.SIGSTOP)
        sent = self.send_numbered(400_000, "--flows", 256, "--size", 72)
        capture.send(signal.SIGCONT)
        account = capture.finish()
        self.assertGreater(account["sources"][0]["dropped_ring"], 0)
        capture.check_nothing_unaccounted(sent, 200_000, step=2)

    def test_fanout_of_two_into_one_file(self):
        capture = Capture(self, "--threads", "2", "--one-file")
        sent = self.send_numbered(300_000, "--flows", 256, "--size", 72)
        capture.finish()
        capture.check_nothing_unaccounted(sent, 300_000)
        self.assertEqual([capture.path], capture.files())
        self.assertEqual(1, len(pcapng.read(capture.path).interfaces), "the rings of one interface")
        self.assertEqual(300_000, readers.capinfos(self, capture.path)["Number of packets"])

    def test_fanout_of_four_into_one_file_of_small_rings(self):
        for layout in ("dilate", "compact"):
            with self.subTest(layout):
                capture = Capture(self, "--threads", "4", "--one-file", "-B", "8", "--layout", layout,
                                  path=self.directory / f"{layout}.pcapng")
                sent = self.send_numbered(200_000, "--flows", 256, "--mix")
                capture.finish()
                capture.check_nothing_unaccounted(sent, 200_000)

    def test_fanout_into_one_classic_file(self):
        capture = Capture(self, "--threads", "2", "--one-file", "-F", "pcap", path=self.directory / "out.pcap")
        sent = self.send_numbered(200_000, "--flows", 256, "--mix")
        capture.finish()
        capture.check_nothing_unaccounted(sent, 200_000)

    def test_fanout_into_one_ring_of_files(self):
        capture = Capture(self, "--threads", "2", "--one-file", "-b", "packets:10000")
        sent = self.send_numbered(95_000, "--flows", 256)
        account = capture.finish()
        self.assertEqual(10, account["files_total"])
        capture.check_nothing_unaccounted(sent, 95_000)

    def test_fanout_modes(self):
        for mode in ("hash", "cpu", "lb", "qm", "rnd", "rollover"):
            with self.subTest(mode):
                capture = Capture(self, "--threads", "2", "--fanout", mode, path=self.directory / f"{mode}.pcapng")
                sent = self.send_numbered(20_000, "--flows", 64)
                capture.finish()
                capture.check_nothing_unaccounted(sent, 20_000)

    def test_two_senders_at_once(self):
        capture = Capture(self)
        sent = self.send_numbered(MILLION, "--threads", 2)
        capture.finish()
        capture.check_nothing_unaccounted(sent, MILLION)

    def overflow_the_backlog(self, *options):
        """Frames that another CPU is to receive: its backlog takes a thousand and refuses more (enqueue_to_backlog(),
        net/core/dev.c, counts them in the interface's rx_dropped)."""
        if os.cpu_count() < 2:
            self.skipTest("one CPU only")
        self.see_own_links()
        pathlib.Path("/sys/class/net/rx0/queues/rx-0/rps_cpus").write_text("2")
        capture = Capture(self, *options)
        os.sched_setaffinity(0, {0})
        sent = self.send_numbered(300_000, "--flows", 256, "--size", 72, "--buffer", 16 << 20)
        account = capture.finish()
        if sent["refused"] == 0:
            self.skipTest("the backlog never overflowed")
        self.assertEqual(sent["refused"], account["sources"][0]["dropped_interface"])
        capture.check_nothing_unaccounted(sent, 300_000)

    def test_interface_drops(self):
        self.overflow_the_backlog()

    def test_interface_drops_with_fanout(self):
        self.overflow_the_backlog("--threads", "2")


class SlowAnalyzer(Testbed):
    """Regimes that need a program of their own: slow, or greedy with batches."""

    def setUp(self):
        super().setUp()
        self.veth()

    def analyze(self, count, *habits):
        analyzer = self.start(self.helper("analyzer"), "-i", "rx0", "--count", count, *habits, stdout=subprocess.PIPE,
                              text=True)
        self.assertEqual("ready\n", analyzer.stdout.readline())
        sent = self.send_numbered(count)
        analyzer.send_signal(signal.SIGINT)
        verdict = json.loads(analyzer.communicate(timeout=60)[0])
        self.assertEqual(0, analyzer.returncode)
        books = verdict["books"]
        lost = books["dropped_ring"] + books["dropped_interface"] - sent["refused"]
        self.assertEqual(count, books["delivered"] + books["unread"] + lost, verdict)
        self.assertEqual(books["received"], books["delivered"] + books["dropped_ring"] + books["unread"], verdict)
        self.assertEqual(0, books["unread"], verdict)
        self.assertEqual(lost, verdict["missing"], verdict)
        for fault in ("damaged", "duplicates", "invented", "foreign", "out_of_order"):
            self.assertEqual(0, verdict[fault], verdict)
        return books

    def test_half_as_fast_as_the_sender(self):
        sent_alone = self.send_numbered(100_000)
        twice_as_long = int(2e9 * sent_alone["seconds"] / 100_000)
        books = self.analyze(MILLION, "--packet-ns", twice_as_long, "--buffer", 8)
        self.assertGreater(books["dropped_ring"], 0)

    def test_batches_held_and_given_back_out_of_order(self):
        self.analyze(MILLION, "--hold", 48)

    def test_more_batches_held_than_the_ring_can_lend(self):
        self.analyze(300_000, "--hold", 1_000_000, "--buffer", 8)
