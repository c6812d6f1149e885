"""`ringtaild` on a dpdk: device: analyzers read packets in the mbufs they arrived in, and need no DPDK for it."""

import pathlib
import signal

from daemon import Daemon, check_numbers, files
from dpdk import DpdkTestbed
from test_daemon_lending import LendingCase
from testbed import wait_until

DEVICE = "dpdk:net_af_packet0,iface=rx0,framecnt=32768"  # the driver's own ring takes all that a case sends


class MbufCase(LendingCase):
    def start_on_dpdk(self, share="", capture="", huge_pages="false", buffer_mib=64):
        """A daemon that writes what it captures and lends it."""
        return Daemon(self, f'[[capture]]\nname = "cap"\ninterfaces = ["{DEVICE}"]\nbuffer_mib = {buffer_mib}\n{capture}\n'
                            f"[capture.dpdk]\nhuge_pages = {huge_pages}\n[capture.share]\n{share}\n"
                            f'[capture.storage]\ndirectory = "{self.data}"\n')

    def lend_to_two(self, running):
        analyzers = [self.analyzer(5_000) for _ in range(2)]
        self.wait_for_clients(running, 2)
        self.send_numbered(5_000, "--size", 60, "--largest-size", 1_514, "--rate", 50_000)
        self.delivered(running, 5_000)
        status = running.status("cap")
        self.assertEqual(0, status["share"]["copied_bytes"])
        running.finish()
        for analyzer in analyzers:
            verdict = self.verdict(analyzer)
            self.assertEqual(5_000, verdict["books"]["received"], verdict)
            self.assertEqual(verdict["books"]["dropped_ring"], verdict["missing"], verdict)
        self.assertEqual(0, check_numbers(self, files(self.data), 5_000)["missing"])


class Mbufs(MbufCase):
    def test_analyzers_read_where_packets_arrived(self):
        self.lend_to_two(self.start_on_dpdk())

    def test_nothing_of_dpdk_is_in_an_analyzer(self):
        running = self.start_on_dpdk()
        analyzer = self.analyzer(10)
        self.send_numbered(1)
        self.delivered(running, 1)
        maps = pathlib.Path(f"/proc/{analyzer.pid}/maps").read_text()
        self.assertIn("ringtail-packets", maps)
        self.assertNotIn("librte_", maps)
        running.finish()
        self.verdict(analyzer)

    def test_who_hangs_costs_copies_and_no_packet(self):
        """For its hold limit; then it is gone, and nothing is copied any more."""
        running = self.start_on_dpdk("hold_limit_ms = 1500", buffer_mib=16)
        hanging = self.analyzer(1_000_000)
        analyzer = self.analyzer(1_000_000)
        self.wait_for_clients(running, 2)
        sent = 0

        def send(count):
            nonlocal sent
            self.send_numbered(count, "--first", sent, "--rate", 20_000)
            sent += count
            self.delivered(running, sent)
            return running.status("cap")["share"]

        share = send(500)
        self.assertEqual((1_000, 0), (share["lent_packets"], share["copied_bytes"]), "lent in place")
        hanging.send_signal(signal.SIGSTOP)
        wait_until(lambda: send(2_000)["evicted"] == 1, "the eviction")
        copied = running.status("cap")["share"]["copied_bytes"]
        self.assertGreater(copied, 0)
        self.assertEqual(copied, send(500)["copied_bytes"], "zero-copy is back")
        running.finish()
        verdict = self.verdict(analyzer)
        self.assertEqual(sent, verdict["books"]["received"], verdict)
        self.assertEqual(sent, verdict["distinct"] + verdict["books"]["dropped_ring"], verdict)
        self.assertEqual(0, check_numbers(self, files(self.data), sent)["missing"])

    def test_who_hangs_does_not_keep_a_port_from_being_opened_again(self):
        """A new filter is a fresh source, and a port has one owner."""
        running = self.start_on_dpdk("hold_limit_ms = 300")
        hanging = self.analyzer(1_000)
        analyzer = self.analyzer(1_000)
        self.wait_for_clients(running, 2)
        hanging.send_signal(signal.SIGSTOP)
        self.send_numbered(100)
        running.wait_for("cap", "what was sent", lambda now: now["share"]["lent_packets"] == 200)
        running.do("cap", "filter", filter="ether proto 0x88b6")
        running.wait_for("cap", "the eviction", lambda now: now["share"]["evicted"] == 1)
        running.wait_for("cap", "the fresh source", lambda now: now["sources"][0]["present"])
        self.send_numbered(100, "--first", 100)
        running.wait_for("cap", "what came then", lambda now: now["delivered"] == 200)
        running.finish()
        self.assertEqual(200, self.verdict(analyzer)["books"]["delivered"])


class HugePages(MbufCase, DpdkTestbed):
    def test_analyzers_read_where_packets_arrived(self):
        self.reserve_huge_pages()
        before = self.huge_pages_in_use()
        running = self.start_on_dpdk(huge_pages="true")
        self.assertGreater(self.huge_pages_in_use(), before)
        self.lend_to_two(running)
        self.assertEqual(before, self.huge_pages_in_use())
