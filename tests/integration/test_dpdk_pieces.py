"""The splice writer takes packets from the mbufs they arrived in, each with its record around it: what stands in the file
is what it would be had they been copied."""

import readers
from capture import Capture
from daemon import Daemon, check_numbers, files
from dpdk import DpdkTestbed, Testpmd
from frames import numbered_frame, write_pcap
from test_daemon_lending import LendingCase
from test_dpdk_tap import Tap
from testbed import run, wait_until

IN_PIECES = ("--writer", "splice", "--layout", "dilate")
DEVICE = "net_af_packet0,iface=rx0,framecnt=32768"  # the driver's own ring takes all that a case sends
COUNT = 20_000  # fewer than the ring has room for: nothing is lost, however slow the machine


class PieceCase(DpdkTestbed):
    def tmpfs(self, *options):
        """A directory where everything is copied into the page cache, so that pieces save a copy."""
        directory = self.directory / "tmpfs"
        directory.mkdir()
        run("mount", "-t", "tmpfs", *options, "tmpfs", directory)
        self.addCleanup(run, "umount", "-l", directory)
        return directory

    def check_in_pieces(self, account):
        """Nothing was copied by us but the file's head and statistics, and now and then less than a page."""
        self.assertEqual("splice", account["writer"])
        self.assertGreater(account["layout"]["dilated_chunks"], 0)
        self.assertLess(account["layout"]["copied_bytes"], 65_536)


class Replay(PieceCase):
    """A capture file played by DPDK's net_pcap."""

    def setUp(self):
        super().setUp()
        self.frames = [numbered_frame(number, 30 + number * 11 % 1485) for number in range(2_000)]
        self.frames += [numbered_frame(number, 3_000 + number) for number in range(2_000, 2_200)]  # several mbufs each
        self.played = write_pcap(self.directory / "played.pcap", self.frames)

    def record(self, *options, directory=None, suffix="pcapng", played=None):
        capture = Capture(self, "--no-huge", "--writer", "splice", "-c", len(self.frames), *options,
                          interface=f"dpdk:net_pcap0,rx_pcap={played or self.played}",
                          path=(directory or self.directory) / f"out.{suffix}", wait=False)
        self.account = capture.wait()
        return capture

    def test_byte_for_byte(self):
        for directory in (self.directory, self.tmpfs()):
            with self.subTest(directory):
                path = self.record("--layout", "dilate", directory=directory).path
                self.check_in_pieces(self.account)
                self.assert_same(self.frames, readers.frames_of(self, path))
                self.assertEqual(len(self.frames), readers.capinfos(self, path)["Number of packets"])
                digests = [packet.digest for packet in readers.packets_of_tshark(self, self.played)]
                self.assert_same(digests, [packet.digest for packet in readers.packets_of_tshark(self, path)])

    def test_snaplen(self):
        path = self.record("--layout", "dilate", "-s", "96").path
        self.check_in_pieces(self.account)
        cut = readers.packets_of_libpcap(self, path)
        self.assert_same([(len(frame), frame[:96]) for frame in self.frames], [(wire, data) for _, _, wire, data in cut])

    def test_files_of_fifty_packets(self):
        capture = self.record("--layout", "dilate", "-b", "packets:50")
        parts = capture.files()
        self.assertEqual(-(-len(self.frames) // 50), len(parts))
        self.assert_same(self.frames, [frame for part in parts for frame in readers.frames_of(self, part)])

    def test_files_of_a_size(self):
        capture = self.record("--layout", "dilate", "-b", "filesize:100")
        parts = capture.files()
        self.assertGreater(len(parts), 10)
        for part in parts[:-1]:
            self.assertTrue(100_000 <= part.stat().st_size <= 100_000 + 20_000, part.stat())
        self.assert_same(self.frames, [frame for part in parts for frame in readers.frames_of(self, part)])

    def test_classic_pcap_with_the_times_of_the_file(self):
        self.frames = [numbered_frame(number, 1_500 + number % 400) for number in range(2_000)]
        played = write_pcap(self.directory / "long.pcap", self.frames)
        path = self.record("-F", "pcap", "--time-stamp-type", "adapter_unsynced", directory=self.tmpfs(),
                           suffix="pcap", played=played).path
        self.check_in_pieces(self.account)
        self.assertEqual(played.read_bytes(), path.read_bytes())


class Links(PieceCase):
    """Numbered frames on a kernel's link."""

    def setUp(self):
        super().setUp()
        self.veth()

    def capture(self, *options, directory=None):
        return Capture(self, "--no-huge", *IN_PIECES, *options, interface=f"dpdk:{DEVICE}",
                       path=(directory or self.directory) / "capture.pcapng")

    def test_all_sizes(self):
        capture = self.capture("-B", "16")  # few mbufs, used again and again
        sent = self.send_numbered(COUNT, "--mix", "--rate", "40000")
        account = capture.finish()
        self.check_in_pieces(account)
        capture.check_nothing_unaccounted(sent, COUNT)

    def test_full_disk(self):
        capture = self.capture(directory=self.tmpfs("-o", "size=4m"))
        self.send_numbered(20_000, "--size", 500, "--rate", "40000")
        account = capture.wait(status=1)
        self.assertIn("No space left on device", account["error"])
        verdict = capture.check_numbers(20_000)
        self.assertEqual(account["written_packets"], verdict["packets"])
        self.assertEqual(account["written_bytes"], capture.path.stat().st_size)
        self.assertGreater(verdict["packets"], 1_000, "what fitted is there")

    def test_killed(self):
        """A torn record at the end at most, which `recover` cuts off."""
        capture = self.capture()
        capture.kill_under_load(0.1, "--mix", "--rate", "40000")
        run(self.ringtail, "recover", capture.path)
        self.assertGreater(readers.capinfos(self, capture.path)["Number of packets"], 100)


class Lent(LendingCase):
    def test_analyzers_read_the_same_mbufs(self):
        running = Daemon(self, f'[[capture]]\nname = "cap"\ninterfaces = ["dpdk:{DEVICE}"]\nbuffer_mib = 64\n'
                               'writer = "splice"\nlayout = "dilate"\n[capture.dpdk]\nhuge_pages = false\n'
                               f'[capture.share]\n[capture.storage]\ndirectory = "{self.data}"\n')
        analyzers = [self.analyzer(COUNT) for _ in range(2)]
        self.wait_for_clients(running, 2)
        self.send_numbered(COUNT, "--size", 60, "--largest-size", 1_514, "--rate", 40_000)
        self.delivered(running, COUNT)
        status = running.status("cap")
        self.assertEqual(0, status["share"]["copied_bytes"], "lent where they are")
        self.assertGreater(status["layout"]["dilated_chunks"], 0)
        running.finish()
        for analyzer in analyzers:
            verdict = self.verdict(analyzer)
            self.assertEqual(COUNT, verdict["books"]["received"], verdict)
            self.assertEqual(verdict["books"]["dropped_ring"], verdict["missing"], verdict)
        self.assertEqual(0, check_numbers(self, files(self.data), COUNT)["missing"])


class SharedMemory(PieceCase):
    def setUp(self):
        super().setUp()
        self.reserve_huge_pages()
        self.frames = [numbered_frame(number, 30 + number * 7 % 1485) for number in range(4_000)]
        self.played = write_pcap(self.directory / "played.pcap", self.frames)

    def test_memif(self):
        """testpmd writes into our mbufs through memory that both map."""
        self.need_program("dpdk-testpmd")
        device = f"role=server,rsize=13,socket={self.socket},socket-abstract=no"
        capture = Capture(self, "-B", "64", *IN_PIECES, interface=f"dpdk:net_memif0,{device}")
        peer = f"net_memif0,role=client,zero-copy=yes,rsize=13,socket={self.socket},socket-abstract=no"
        sender = Testpmd(self, f"net_pcap0,rx_pcap={self.played}", peer)
        sender.start()
        sent = f"TX-packets: {len(self.frames)} "
        wait_until(lambda: sent in sender.command("show port stats 1"), "all frames to be sent")
        sender.stop()
        self.check_in_pieces(capture.finish())
        sender.quit()
        self.assert_same(self.frames, readers.frames_of(self, capture.path))


class Tapped(Tap):
    def test_the_application_stays_whole(self):
        """What is written around is the tap's own copy of a packet."""
        application = self.application(self.player(0), self.player(1), mode="io")
        capture = self.capture(0, "--direction", "in", *IN_PIECES)
        self.play_all(application)
        application.stop()
        account = capture.finish()
        self.assertGreater(account["layout"]["dilated_chunks"], 0)
        self.assert_same(self.FRAMES, readers.frames_of(self, capture.path))
        application.quit()
