"""Interfaces that go down, away, elsewhere, or by another name while they are captured."""

import json
import signal
import time

import readers
from capture import Capture
from testbed import Testbed, wait_until


class Changes(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def delete(self):
        self.ip("link", "del", "rx0")

    def expect_end(self, capture):
        """The capture ends by itself with one clear line, and its file holds what came before."""
        account = capture.wait(status=1)
        lines = [line for line in capture.errors().splitlines() if line.startswith("ringtail: ")]
        self.assertEqual(1, len(lines), capture.errors())
        self.assertIn("rx0", lines[0])
        self.assertIn("--wait", lines[0])
        self.assertEqual(100, account["written_packets"])
        self.assertEqual(0, capture.check_numbers(100)["missing"])

    def test_deleted(self):
        capture = Capture(self)
        self.send_numbered(100)
        self.delete()
        self.expect_end(capture)

    def test_deleted_while_down(self):
        capture = Capture(self)
        self.send_numbered(100)
        self.ip("link", "set", "rx0", "down")
        time.sleep(0.3)
        self.delete()
        self.expect_end(capture)

    def test_moved_to_another_namespace(self):
        capture = Capture(self)
        self.send_numbered(100)
        self.ip("link", "set", "rx0", "netns", self.second_namespace().pid)
        self.expect_end(capture)

    def test_down_and_up(self):
        capture = Capture(self)
        self.send_numbered(100)
        self.ip("link", "set", "rx0", "down")
        time.sleep(0.3)
        self.assertIsNone(capture.process.poll())
        self.ip("link", "set", "rx0", "up")
        wait_until(lambda: self.is_running("tx0"), "carrier")
        self.send_numbered(100, "--first", 100)
        account = capture.finish()
        self.assertEqual(200, account["written_packets"])
        self.assertEqual(0, capture.check_numbers(200)["missing"])

    def test_down_costs_no_cpu_time(self):
        capture = Capture(self)
        self.ip("link", "set", "rx0", "down")
        time.sleep(2)
        account = capture.finish()
        self.assertLess(account["cpu_seconds"]["user"] + account["cpu_seconds"]["system"], 0.5)

    def test_down_at_start(self):
        self.ip("link", "set", "rx0", "down")
        capture = Capture(self)
        self.assertIn("rx0", capture.errors())
        self.assertIn("down", capture.errors())
        self.ip("link", "set", "rx0", "up")
        wait_until(lambda: self.is_running("tx0"), "carrier")
        self.send_numbered(100)
        self.assertEqual(100, capture.finish()["written_packets"])

    def test_renamed(self):
        capture = Capture(self)
        self.send_numbered(100)
        # Since Linux 6.2 a link that is up may be renamed.
        if self.ip("link", "set", "rx0", "name", "other0", status=None).returncode != 0:
            self.skipTest("this kernel renames no link that is up")
        self.send_numbered(100, "--first", 100)
        self.assertEqual(200, capture.finish()["written_packets"])
        self.assertEqual(0, capture.check_numbers(200)["missing"])

    def test_wait_for_a_deleted_interface(self):
        capture = Capture(self, "--wait")
        self.send_numbered(100)
        self.delete()
        time.sleep(0.3)
        self.assertIsNone(capture.process.poll(), capture.errors())
        self.veth()
        self.send_until_captured(capture)
        capture.finish()
        self.assertEqual(0, readers.check_numbered(self, [capture.path], 110)["missing"])

    def test_wait_for_one_that_comes_back_from_another_namespace(self):
        elsewhere = self.second_namespace()
        capture = Capture(self, "--wait")
        self.send_numbered(100)
        self.ip("link", "set", "rx0", "netns", elsewhere.pid)
        time.sleep(0.3)
        self.ip("link", "set", "rx0", "netns", 1, namespace=elsewhere)
        self.ip("link", "set", "rx0", "up")
        wait_until(lambda: self.is_running("tx0"), "carrier")
        self.send_until_captured(capture)
        capture.finish()
        self.assertEqual(0, readers.check_numbered(self, [capture.path], 110)["missing"])

    def send_until_captured(self, capture):
        """Frames, until they are in the file: that a link is back is noticed within a second."""

        def is_captured():
            self.send_numbered(10, "--first", 100)
            return readers.check_numbered(self, [capture.path], 10, first=100)["distinct"] == 10

        wait_until(is_captured, "packets of the interface that came back")

    def test_any_outlives_an_interface(self):
        self.veth("tx1", "rx1")
        capture = Capture(self, "--direction", "in", interface="any")
        self.send_numbered(100)
        self.delete()
        self.send_numbered(100, "--first", 100, interface="tx1")
        self.assertEqual(200, capture.finish()["written_packets"])


class Several(Testbed):
    def setUp(self):
        super().setUp()
        self.veth("tx0", "rx0")
        self.veth("tx1", "rx1")

    def names_in(self, capture):
        names = [name for name, in readers.fields_of_tshark(self, capture.path, "frame.interface_name")]
        return {name: names.count(name) for name in set(names)}

    def test_two_in_one_file(self):
        capture = Capture(self, interface=["rx0", "rx1"])
        self.send_numbered(1_000, interface="tx0")
        self.send_numbered(500, "--first", 1_000, interface="tx1")
        account = capture.finish()
        self.assertEqual([1_000, 500], [source["delivered"] for source in account["sources"]])
        self.assertEqual({"rx0": 1_000, "rx1": 500}, self.names_in(capture))

    def test_two_with_two_threads_each_in_one_file(self):
        capture = Capture(self, "--threads", "2", "--one-file", interface=["rx0", "rx1"])
        self.send_numbered(30_000, "--flows", 64)
        self.send_numbered(30_000, "--flows", 64, "--first", 30_000, interface="tx1")
        account = capture.finish()
        self.assertEqual([30_000, 30_000], [source["delivered"] for source in account["sources"]])
        self.assertEqual({"rx0": 30_000, "rx1": 30_000}, self.names_in(capture))
        verdict = capture.check_numbers(60_000)
        self.assertEqual((60_000, 0), (verdict["packets"], verdict["missing"]))

    def test_options_of_one_and_of_all(self):
        """-f and -s after an -i apply to it, before the first to all."""
        capture = Capture(self, "-s", "60", "-i", "rx0", "-i", "rx1", "-s", "40", "-f", "ether[14] & 1 = 0",
                          interface=[])
        self.send_numbered(1_000, interface="tx0")
        self.send_numbered(500, "--first", 1_000, interface="tx1")
        capture.finish()
        self.assertEqual({"rx0": 1_000, "rx1": 250}, self.names_in(capture))
        lengths = readers.fields_of_tshark(self, capture.path, "frame.interface_name", "frame.cap_len")
        self.assertEqual({("rx0", "60"), ("rx1", "40")}, set(lengths))

    def test_filter_in_words(self):
        capture = Capture(self, "udp", "and", "port", "9", interface="rx0")
        self.send_numbered(100)
        self.send_numbered(100, "--first", 100, "--flows", 5)
        self.assertEqual(100, capture.finish()["written_packets"])


class PromiscuousMode(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def promiscuity(self):
        return json.loads(self.ip("-d", "-j", "link", "show", "rx0").stdout)[0]["promiscuity"]

    def test_while_capturing_only(self):
        capture = Capture(self)
        self.assertEqual(1, self.promiscuity())
        capture.finish()
        self.assertEqual(0, self.promiscuity())

    def test_off(self):
        capture = Capture(self, "-p")
        self.assertEqual(0, self.promiscuity())
        capture.finish()

    def test_also_after_sudden_death(self):
        capture = Capture(self)
        capture.send(signal.SIGKILL)
        capture.process.wait()
        self.assertEqual(0, self.promiscuity())
