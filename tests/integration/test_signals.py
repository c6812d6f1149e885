"""Signals, sudden death, and a link on which nothing happens."""

import pathlib
import pwd
import signal
import time

import pcapng
from capture import Capture
from testbed import Testbed, wait_until

RETIRE_SECONDS = 0.1
SLACK = 10


class Ends(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def check_clean_end(self, number):
        capture = Capture(self)
        self.send_numbered(1_000)
        account = capture.finish(number)
        self.assertEqual(1_000, account["written_packets"])
        self.assertEqual(0, capture.check_numbers(1_000)["missing"])
        self.assertEqual(1_000, pcapng.read(capture.path).packet_count)

    def test_interrupt(self):
        self.check_clean_end(signal.SIGINT)

    def test_terminate(self):
        self.check_clean_end(signal.SIGTERM)

    def test_interrupt_under_full_load_loses_nothing_silently(self):
        capture = Capture(self)
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", 1_000_000)
        time.sleep(0.5)
        source = capture.finish()["sources"][0]
        sender.kill()
        # The stop comes between two frames: what is in the file is the beginning, without a hole but the ring's drops.
        received = source["received"]
        self.assertGreater(received, 0)
        verdict = capture.check_numbers(received)
        self.assertEqual(source["dropped_ring"] + source["unread"], verdict["missing"])

    def test_statistics_on_request(self):
        capture = Capture(self)
        self.send_numbered(1_000)
        before = len(capture.errors())
        capture.send(signal.SIGUSR1)
        wait_until(lambda: "1000" in capture.errors()[before:], "statistics on standard error")
        self.send_numbered(1_000, "--first", 1_000)
        self.assertEqual(2_000, capture.finish()["written_packets"])

    def test_sigkill_leaves_a_valid_file(self):
        for attempt in range(5):
            capture = Capture(self, "--retire-timeout", "10", "--flush-interval", "20",
                              path=self.directory / f"killed{attempt}.pcapng")
            capture.kill_under_load(0.3 + attempt * 0.0137, "--rate", 20_000)

    def test_gives_up_root(self):
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            self.skipTest("there is no user nobody")
        capture = Capture(self, "-Z", "nobody")
        status = pathlib.Path(f"/proc/{capture.process.pid}/status")
        wait_until(lambda: f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}" in status.read_text(), "nobody")
        self.send_numbered(100)
        self.assertEqual(100, capture.finish()["written_packets"])


class IdleLink(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def test_lone_packet_does_not_wait(self):
        """It is in the file at most retire timeout + flush interval later, with ten times the slack."""
        capture = Capture(self, "--flush-interval", "20")
        time.sleep(0.5)
        for number in range(3):
            before = capture.path.stat().st_size
            self.send_numbered(1, "--first", number)
            wait_until(lambda: capture.path.stat().st_size > before, "the packet in the file",
                       SLACK * (RETIRE_SECONDS + 0.02))
        self.assertEqual(3, capture.finish()["written_packets"])

    def test_wakes_at_most_twice_per_timeout(self):
        capture = Capture(self)
        time.sleep(0.5)
        before = self.voluntary_switches(capture)
        seconds = 5
        time.sleep(seconds)
        switches = self.voluntary_switches(capture) - before
        capture.finish()
        self.assertLessEqual(switches, 2 * seconds / RETIRE_SECONDS)

    @staticmethod
    def voluntary_switches(capture):
        threads = pathlib.Path(f"/proc/{capture.process.pid}/task").iterdir()
        texts = [thread.joinpath("status").read_text() for thread in threads]
        return sum(int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0]) for text in texts)
