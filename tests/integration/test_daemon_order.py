"""ringtaild that writes several interfaces into one file in the order of time."""

import json
import subprocess

from daemon import check_numbers, files
from test_daemon import DaemonCase
from testbed import run


class Order(DaemonCase):
    def setUp(self):
        super().setUp()
        self.need_program("capinfos")
        self.veth("tx1", "rx1")

    def expect_order(self, running, count):
        self.delivered(running, count)
        late = running.status("cap")["late_packets"]
        self.assertEqual(count, running.finish()["cap"]["written"])
        self.assertEqual(0, check_numbers(self, files(self.data), count)["missing"])
        for path in files(self.data):
            self.assertIn("Strict time order:   True", run("capinfos", "-o", path).stdout)
        self.assertEqual(0, late)

    def send_into_both(self, count):
        """Half of the numbers into one link, half into the other, at the same time."""
        senders = [self.start(self.helper("frame_sender"), "-i", name, "--count", count // 2, "--first", first,
                              "--rate", count // 2, stdout=subprocess.PIPE)
                   for name, first in (("tx0", 0), ("tx1", count // 2))]
        for sender in senders:
            self.assertEqual(count // 2, json.loads(sender.communicate(timeout=60)[0])["accepted"])

    def test_two_interfaces(self):
        running = self.start_daemon(interfaces='["rx0", "rx1"]', capture="ordered = true")
        self.send_into_both(20_000)
        self.expect_order(running, 20_000)

    def test_a_silent_interface_holds_nobody(self):
        running = self.start_daemon(interfaces='["rx0", "rx1"]', capture="ordered = true")
        self.send_numbered(1000)
        running.wait_for("cap", "the packets to be written", lambda status: status["written_packets"] == 1000)
        self.send_numbered(1, "--first", 1000, interface="tx1")
        self.send_numbered(99, "--first", 1001)
        self.expect_order(running, 1100)

    def test_an_interface_that_goes_away(self):
        running = self.start_daemon(interfaces='["rx0", "rx1"]', capture="ordered = true")
        self.send_into_both(1000)
        self.ip("link", "del", "rx1")
        running.wait_for("cap", "the loss to be seen", lambda status: status["state"] == "waiting")
        self.send_numbered(500, "--first", 1000)
        self.veth("tx1", "rx1")
        running.wait_for("cap", "the interface to be back", lambda status: status["state"] == "running")
        self.send_numbered(500, "--first", 1500, interface="tx1")
        self.expect_order(running, 2000)
