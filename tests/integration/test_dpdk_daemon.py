"""ringtaild on dpdk: devices: files, rotation, another filter, and books that balance."""

import readers
from daemon import Daemon, check_numbers, files
from dpdk import DpdkTestbed
from frames import numbered_frame, write_pcap
from test_daemon import configuration
from testbed import run


class DpdkDaemon(DpdkTestbed):
    def setUp(self):
        super().setUp()
        self.data = self.directory / "data"
        self.data.mkdir()

    def start_daemon(self, device, storage):
        text = configuration(self.data, storage, interfaces=f'["dpdk:{device}"]')
        return Daemon(self, text + "[capture.dpdk]\nhuge_pages = false\n")

    def test_a_file_that_is_played(self):
        """Every frame, byte for byte, over the seams of files."""
        frames = [numbered_frame(number, 30 + number * 11 % 1485) for number in range(2_000)]
        played = write_pcap(self.directory / "played.pcap", frames)
        running = self.start_daemon(f"net_pcap0,rx_pcap={played}", "rotate_packets = 300")
        running.wait_for("cap", "all packets", lambda status: status["delivered"] == 2_000)
        status = running.status("cap")
        running.check_status_books(status)
        source = status["sources"][0]
        self.assertEqual(("running", "dpdk", 2_000), (status["state"], source["backend"], source["received"]))
        self.assertEqual((0, 0), (source["dropped_ring"], source["dropped_interface"]))
        account = running.finish()["cap"]
        self.assertEqual((2_000, 7), (account["written"], account["files"]))
        self.assertEqual(0, check_numbers(self, files(self.data), 2_000)["missing"])
        self.assert_same(frames, [frame for path in files(self.data) for frame in readers.frames_of(self, path)])

    def test_an_endless_device(self):
        """As fast as it can be written, within a quota, through another filter and a pause."""
        running = self.start_daemon("net_null0,size=300", "rotate_packets = 20_000\nquota_bytes = 20_000_000")
        running.wait_for("cap", "the quota to be met", lambda status: status["storage"]["files_deleted"] > 0)
        running.do("cap", "pause")
        running.wait_for("cap", "packets to be discarded", lambda status: status["discarded_paused"] > 0)
        running.do("cap", "resume")
        running.do("cap", "filter", filter="less 100")
        before = running.status("cap")
        running.check_status_books(before)
        self.assertEqual("running", before["state"])
        running.do("cap", "filter", filter="greater 100")
        running.wait_for("cap", "packets again", lambda status: status["delivered"] > before["delivered"])
        account = running.finish()["cap"]
        self.assertGreater(account["written"], 0)
        self.assertLessEqual(sum(path.stat().st_size for path in files(self.data)), 20_000_000)
        for path in files(self.data)[:-2]:  # one may have ended with the filter, one with the capture
            run("capinfos", "-c", path)

    def test_a_device_that_has_nothing(self):
        running = self.start_daemon("net_ring0", "")
        running.do("cap", "rotate")
        status = running.status("cap")
        self.assertEqual(("running", 0, 2), (status["state"], status["delivered"], status["files_total"]))
        self.assertEqual(0, running.finish()["cap"]["delivered"])
