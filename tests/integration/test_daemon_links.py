"""ringtaild while its interfaces go down, away, elsewhere, or get another name or another MTU."""

import time

import pcapng
from daemon import check_numbers, files
from test_daemon import DaemonCase
from testbed import wait_until


def notes_in(paths):
    """The comments between the packets, in their order."""
    return [note for path in paths for note in pcapng.read(path).notes]


class Links(DaemonCase):
    def set_up(self, name):
        self.ip("link", "set", name, "up")
        wait_until(lambda: self.is_running("tx0"), "carrier")

    def expect_all(self, running, count):
        self.delivered(running, count)
        self.assertEqual(count, running.finish()["cap"]["written"])
        self.assertEqual(0, check_numbers(self, files(self.data), count)["missing"])

    def test_down_and_up(self):
        running = self.start_daemon()
        self.send_numbered(100)
        self.ip("link", "set", "rx0", "down")
        wait_until(lambda: "rx0 is down" in running.log(), "the daemon to hear of it")
        time.sleep(0.3)
        self.set_up("rx0")
        wait_until(lambda: "gap of" in running.log(), "the gap to be told")
        self.send_numbered(100, "--first", 100)
        self.expect_all(running, 200)
        self.assertEqual(1, len(files(self.data)), "a gap needs no new file")
        down, gap = notes_in(files(self.data))
        self.assertEqual("rx0 is down", down)
        self.assertRegex(gap, r"^gap of \d+\.\d{3} s on rx0: it was down$")

    def test_another_name_and_another_mtu(self):
        running = self.start_daemon()
        self.send_numbered(100)
        if self.ip("link", "set", "rx0", "name", "other0", status=None).returncode != 0:
            self.skipTest("this kernel renames no link that is up")
        for name in ("tx0", "other0"):
            self.ip("link", "set", name, "mtu", "9000")
        wait_until(lambda: "9000" in running.log(), "the daemon to hear of it")
        self.send_numbered(100, "--first", 100, "--size", 8000)
        self.expect_all(running, 200)
        self.assertEqual(["rx0 is called other0 from now on", "the MTU of other0 is 9000, it was 1500"],
                         notes_in(files(self.data)))

    def test_elsewhere_and_back(self):
        elsewhere = self.second_namespace()
        running = self.start_daemon()
        self.send_numbered(100)
        self.delivered(running, 100)
        self.ip("link", "set", "rx0", "netns", elsewhere.pid)
        running.wait_for("cap", "the loss to be seen", lambda status: status["state"] == "waiting")
        self.ip("link", "set", "rx0", "netns", 1, namespace=elsewhere)
        self.set_up("rx0")
        running.wait_for("cap", "the interface to be back", lambda status: status["state"] == "running")
        self.send_numbered(100, "--first", 100)
        self.expect_all(running, 200)
        self.assertIn("was away", running.log())

    def test_many_other_links(self):
        """More news than a socket holds, and among them what matters."""
        running = self.start_daemon()
        self.send_numbered(100)
        self.ip("link", "add", "dummy0", "type", "veth", "peer", "name", "dummy1")
        batch = self.directory / "batch"
        changes = [f"link set dummy0 mtu {mtu}" for mtu in range(1000, 2000)]
        batch.write_text("\n".join([*changes, "link set rx0 down", *changes, ""]))
        self.ip("-batch", batch)
        wait_until(lambda: "rx0 is down" in running.log(), "the daemon to hear of it")
        self.set_up("rx0")
        self.send_numbered(100, "--first", 100)
        self.expect_all(running, 200)
