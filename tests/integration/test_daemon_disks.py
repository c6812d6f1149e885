"""ringtaild while its disk stands still: it answers, says so, counts what is lost, and goes on afterwards."""

import subprocess

import daemon
import testbed
from daemon import check_numbers, files
from disks import OwnDisk
from test_daemon import DaemonCase, configuration
from test_daemon_lending import LendingCase
from testbed import run


class FrozenDisk(OwnDisk, DaemonCase):
    def setUp(self):
        super().setUp()
        self.make_disk()
        self.data = self.mount / "data"
        self.data.mkdir()

    def ride_out_a_freeze(self, writer, other=""):
        text = configuration(self.data, "rotate_packets = 5000", f'writer = "{writer}"\n{other}')
        running = daemon.Daemon(self, text.replace("buffer_mib = 32", "buffer_mib = 4"))
        refused = self.send_numbered(1_000)["refused"]
        self.delivered(running, 1_000)
        self.freeze()
        refused += self.send_numbered(60_000, "--first", 1_000, "--size", 300)["refused"]
        running.wait_for("cap", "the silence to be told", lambda status: status["silent_seconds"] > 1)
        self.assertIn("has not been heard of for", run(self.ringtail, "stat", "cap", "--run-dir", running.run_dir).stdout)
        self.thaw()
        refused += self.send_numbered(1_000, "--first", 61_000, "--rate", 5_000)["refused"]

        def is_all_there(status):
            source = status["sources"][0]
            return source["received"] + source["dropped_interface"] - refused == 62_000 and source["unread"] == 0

        running.wait_for("cap", "all that was sent to be accounted for", is_all_there)
        status = running.status("cap")
        running.check_status_books(status)
        self.assertGreater(status["sources"][0]["dropped_ring"], 0)
        self.assertGreater(status["write_latency"]["p99_seconds"], 0)
        account = running.finish()["cap"]
        self.assertEqual(0, account["dropped_writer"], "nobody reads along, so the ring may fill")
        verdict = check_numbers(self, files(self.data), 62_000)
        self.assertEqual(account["written"], verdict["packets"])
        self.assertEqual(62_000 - account["written"], verdict["missing"])
        self.assertEqual(0, verdict["out_of_order"])
        self.assertEqual([], list(self.data.glob(".*")))

    def test_direct(self):
        self.ride_out_a_freeze("direct")

    def test_write(self):
        self.ride_out_a_freeze("write")

    def test_write_by_the_thread_that_receives(self):
        self.ride_out_a_freeze("write", "writer_thread = false")


class FrozenDiskAndAnalyzer(OwnDisk, LendingCase):
    """Who reads along goes on reading; the writer holds half of the ring at most, and what it cannot take is counted."""

    def setUp(self):
        super().setUp()
        self.make_disk()
        self.data = self.mount / "data"
        self.data.mkdir()

    def lent(self, running, count):
        """All that was sent has been lent, or is in a counter."""
        def is_lent(status):
            source = status["sources"][0]
            lost = source["dropped_ring"] + source["dropped_interface"] - self.refused
            return status["share"]["lent_packets"] + status["share"]["skipped_packets"] + lost >= count and status

        return running.wait_for("cap", f"{count} packets to be lent or lost", is_lent)

    def send(self, *options):
        self.refused += self.send_numbered(*options)["refused"]

    def read_along_while_the_disk_stands_still(self, capture):
        # Blocks are handed over when they are full, or late: so a few packets are a few blocks.
        text = configuration(self.data, "rotate_seconds = 1000", capture)
        text = text.replace("retire_timeout_ms = 20", "retire_timeout_ms = 500")
        running = daemon.Daemon(self, text.replace("buffer_mib = 32", "buffer_mib = 16"))
        analyzer = self.analyzer(43_000)
        self.wait_for_clients(running, 1)
        self.refused = 0
        self.send(1_000)
        self.lent(running, 1_000)
        self.freeze()
        self.send(2_000, "--first", 1_000, "--size", 1000)
        status = self.lent(running, 3_000)
        self.assertEqual(0, status["dropped_writer"], "2 of 16 MiB")
        self.send(40_000, "--first", 3_000, "--size", 1000, "--rate", 40_000)
        status = self.lent(running, 43_000)
        self.assertGreater(status["dropped_writer"], 0)
        self.assertEqual(status["delivered"], status["written_packets"] + status["dropped_writer"])
        rotation = self.start(self.ringtail, "ctl", "cap", "rotate", stdout=subprocess.DEVNULL)
        self.assertIn("wait for the writer", run(self.ringtail, "stat", "cap").stdout)
        self.assertIsNone(rotation.poll(), "a rotation is done when the disk has done it")
        self.thaw()
        self.assertEqual(0, rotation.wait(testbed.LONGEST_WAIT))
        running.wait_for("cap", "everything to be with the recorder", lambda now: now["waiting_packets"] == 0)
        status = running.status("cap")
        source, share = status["sources"][0], status["share"]
        account = running.finish()["cap"]
        lost = source["dropped_ring"] + source["dropped_interface"] - self.refused
        self.assertEqual(43_000 - lost, account["written"] + account["dropped_writer"])
        verdict = check_numbers(self, files(self.data), 43_000)
        self.assertEqual((account["written"], 0), (verdict["packets"], verdict["out_of_order"]))
        self.assertEqual(account["delivered"], share["lent_packets"] + share["skipped_packets"])
        self.assertEqual(share["lent_packets"], self.verdict(analyzer)["books"]["delivered"])

    def test_writing_where_packets_stand(self):
        self.read_along_while_the_disk_stands_still("")

    def test_writing_in_order(self):
        self.read_along_while_the_disk_stands_still("ordered = true")
