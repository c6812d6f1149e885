"""ringtaild while its disk stands still: it answers, says so, counts what is lost, and goes on afterwards."""

import daemon
from daemon import check_numbers, files
from disks import OwnDisk
from test_daemon import DaemonCase, configuration
from testbed import run


class FrozenDisk(OwnDisk, DaemonCase):
    def setUp(self):
        super().setUp()
        self.make_disk()
        self.data = self.mount / "data"
        self.data.mkdir()

    def ride_out_a_freeze(self, writer):
        text = configuration(self.data, "rotate_packets = 5000", f'writer = "{writer}"')
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
        verdict = check_numbers(self, files(self.data), 62_000)
        self.assertEqual(account["written"], verdict["packets"])
        self.assertEqual(62_000 - account["written"], verdict["missing"])
        self.assertEqual(0, verdict["out_of_order"])
        self.assertEqual([], list(self.data.glob(".*")))

    def test_direct(self):
        self.ride_out_a_freeze("direct")

    def test_write(self):
        self.ride_out_a_freeze("write")
