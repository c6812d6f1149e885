"""dpdk: devices over real packet paths, with DPDK's own testpmd or the kernel at the other end."""

import time

import readers
from capture import Capture
from dpdk import Count, DpdkTestbed, Testpmd
from frames import numbered_frame, write_pcap
from testbed import run, wait_until


class SharedMemory(DpdkTestbed):
    """Two processes, one's packet memory mapped by the other."""

    def setUp(self):
        super().setUp()
        self.need_program("dpdk-testpmd")
        self.reserve_huge_pages()

    def memif(self, role):
        zero_copy = ",zero-copy=yes" if role == "client" else ""
        return f"net_memif0,role={role}{zero_copy},rsize=13,socket={self.socket},socket-abstract=no"

    def replay(self, device, peer, frames):
        """testpmd plays a file into `peer`; the packets that `ringtail capture` wrote."""
        played = write_pcap(self.directory / "played.pcap", frames)
        capture = Capture(self, "-B", "64", interface=f"dpdk:{device}")
        sender = Testpmd(self, f"net_pcap0,rx_pcap={played}", peer)
        sender.start()
        time.sleep(0.5)
        self.assertEqual(len(frames), sender.stop(), "nothing was refused for want of room")
        capture.finish()
        sender.quit()
        return readers.frames_of(self, capture.path)

    def count_what_testpmd_makes(self, mode, start_first, device, peer):
        """Full speed for a moment: what testpmd has sent is what is counted."""
        if start_first == "testpmd":
            sender = Testpmd(self, peer, mode=mode)
            count = Count(self, f"dpdk:{device}")
        else:
            count = Count(self, f"dpdk:{device}")
            wait_until(self.socket.exists, "a socket to connect to")
            sender = Testpmd(self, peer, mode=mode)
        sender.start()
        time.sleep(1)
        sent = sender.stop()
        time.sleep(0.2)
        source = count.finish()
        sender.quit()
        self.assertGreater(sent, 0)
        return sent, source

    def test_memif_byte_for_byte(self):
        frames = [numbered_frame(number, 30 + number * 7 % 1485) for number in range(4_000)]
        self.assert_same(frames, self.replay(self.memif("server"), self.memif("client"), frames))

    def test_memif_server(self):
        sent, source = self.count_what_testpmd_makes("txonly", "ringtail", self.memif("server"), self.memif("client"))
        self.assertEqual(sent, source["received"])

    def test_memif_client(self):
        # Before our side connects, testpmd sends nothing; what it sends afterwards arrives.
        sent, source = self.count_what_testpmd_makes("flowgen", "testpmd", self.memif("client"), self.memif("server"))
        self.assertEqual(sent, source["received"])

    def test_vhost_byte_for_byte(self):
        # A packet takes two of the queue's 1,024 descriptors.
        frames = [numbered_frame(number, 60 + number * 7 % 1455) for number in range(500)]
        peer = f"net_virtio_user0,path={self.socket},queue_size=1024"
        self.assert_same(frames, self.replay(f"net_vhost0,iface={self.socket}", peer, frames))

    def test_vhost(self):
        sent, source = self.count_what_testpmd_makes("txonly", "ringtail", f"net_vhost0,iface={self.socket}",
                                                     f"net_virtio_user0,path={self.socket},queue_size=1024")
        self.assertEqual(sent, source["received"])

    def test_virtio_user(self):
        sent, source = self.count_what_testpmd_makes("txonly", "testpmd",
                                                     f"net_virtio_user0,path={self.socket},queue_size=1024",
                                                     f"net_vhost0,iface={self.socket}")
        self.assertEqual(sent, source["received"] + source["dropped_interface"])


class KernelInterface(DpdkTestbed):
    """DPDK's drivers on top of a kernel's interface, without huge pages. The rings are larger than what is sent."""

    COUNT = 4_000

    def setUp(self):
        super().setUp()
        self.veth()

    def check(self, device, count=COUNT):
        capture = Capture(self, "--no-huge", interface=f"dpdk:{device}")
        sent = self.send_numbered(count, "--mix", "--rate", "20000")
        source = capture.finish()["sources"][0]
        self.assertEqual(0, source["dropped_interface"])
        capture.check_nothing_unaccounted(sent, count)

    def test_af_packet(self):
        self.check("net_af_packet0,iface=rx0,framecnt=16384")

    def test_two_queues(self):
        capture = Capture(self, "--no-huge", "--threads", "2", interface="dpdk:net_af_packet0,iface=rx0,qpairs=2,"
                          "framecnt=16384")
        sent = self.send_numbered(self.COUNT, "--flows", "256", "--size", "72", "--rate", "20000")
        source = capture.finish()["sources"][0]
        capture.check_nothing_unaccounted(sent, self.COUNT)
        self.assertEqual(2, len(capture.files()))
        for file in capture.files():
            self.assertGreater(file.stat().st_size, self.COUNT, "both queues get a share")
        self.assertEqual((0, 1), (source["counters"]["imissed"], source["counters"]["link_up"]))
        self.assertIn("rx_nombuf:0", capture.errors())

    def test_two_queues_into_one_file(self):
        capture = Capture(self, "--no-huge", "--threads", "2", "--one-file", interface="dpdk:net_af_packet0,iface=rx0,"
                          "qpairs=2,framecnt=16384")
        sent = self.send_numbered(self.COUNT, "--flows", "256", "--size", "72", "--rate", "20000")
        capture.finish()
        self.assertEqual(1, len(capture.files()))
        capture.check_nothing_unaccounted(sent, self.COUNT)

    def test_af_xdp(self):
        self.check("net_af_xdp0,iface=rx0")

    def test_pcap_interface(self):
        self.check("net_pcap0,rx_iface_in=rx0", 1_000)  # libpcap's ring is of 2 MiB

    def test_count(self):
        for device in ("net_af_packet0,iface=rx0,framecnt=16384", "net_af_xdp0,iface=rx0"):
            with self.subTest(device):
                count = Count(self, f"dpdk:{device}", "--no-huge", "-c", "1000")
                wait_until(lambda: count.process.poll() is not None or self.hears("rx0"), "the device to be open")
                self.send_numbered(self.COUNT, "--rate", "20000")
                self.assertEqual(1_000, count.wait()["delivered"])

    def test_promiscuous_mode_is_left_as_it_was(self):
        for device in ("net_af_xdp0,iface=rx0", "net_af_packet0,iface=rx0"):
            for switch in ("on", "off"):
                for options in ([], ["-p"]):
                    with self.subTest(device=device, switch=switch, options=options):
                        run("ip", "link", "set", "rx0", "promisc", switch)
                        run(self.ringtail, "capture", "--no-huge", "-i", f"dpdk:{device}", "-a", "duration:0.1",
                            "-w", self.directory / "out.pcapng", *options)
                        self.assertEqual(switch == "on", self.hears("rx0"))

    def hears(self, interface):
        return "PROMISC" in run("ip", "-d", "link", "show", interface).stdout


class Replay(DpdkTestbed):
    """A capture file played by DPDK's net_pcap."""

    def setUp(self):
        super().setUp()
        self.frames = [numbered_frame(number, 30 + number * 11 % 1485) for number in range(2_000)]
        self.frames += [numbered_frame(number, 3_000 + number) for number in range(2_000, 2_200)]  # several mbufs each
        self.played = write_pcap(self.directory / "played.pcap", self.frames)
        self.device = f"dpdk:net_pcap0,rx_pcap={self.played}"

    def record(self, *options, suffix="pcapng", count=None):
        path = self.directory / f"out.{suffix}"
        run(self.ringtail, "capture", "--no-huge", "-i", self.device, "-w", path, "-c", count or len(self.frames),
            *options)
        return path

    def test_byte_for_byte(self):
        path = self.record()
        self.assert_same(self.frames, readers.frames_of(self, path))
        self.assertEqual(len(self.frames), readers.capinfos(self, path)["Number of packets"])
        digests = [packet.digest for packet in readers.packets_of_tshark(self, self.played)]
        self.assertEqual(digests, [packet.digest for packet in readers.packets_of_tshark(self, path)])

    def test_classic_pcap_with_the_times_of_the_file(self):
        path = self.record("-F", "pcap", "--time-stamp-type", "adapter_unsynced", suffix="pcap")
        self.assertEqual(self.played.read_bytes(), path.read_bytes())

    def test_files_of_fifty_packets(self):
        self.record("-b", "packets:50")
        parts = sorted(self.directory.glob("out*.pcapng"))
        self.assertEqual(-(-len(self.frames) // 50), len(parts))
        self.assert_same(self.frames, [frame for part in parts for frame in readers.frames_of(self, part)])

    def test_every_writer(self):
        for writer in ("direct", "write", "mmap"):
            with self.subTest(writer):
                self.assert_same(self.frames, readers.frames_of(self, self.record("--writer", writer)))

    def test_filter(self):
        even = self.frames[::2]
        path = self.record("-f", "ether[14] & 1 = 0", count=len(even))
        self.assert_same(even, readers.frames_of(self, path))

    def test_what_the_filter_refuses_is_not_received(self):
        count = Count(self, self.device, "--no-huge", "-a", "duration:1", "-f", "ether[14] & 3 = 0 and greater 100")
        wanted = [frame for number, frame in enumerate(self.frames) if number % 4 == 0 and len(frame) >= 100]
        source = count.wait()
        self.assertEqual((len(wanted), len(wanted)), (source["received"], source["delivered"]))

    def test_more_than_one_chunk(self):
        path = self.directory / "out.pcapng"
        for writer in ("direct", "write", "mmap"):
            with self.subTest(writer):
                # 11 MB: chunks behind each other, one on its way while the next is gathered.
                run(self.ringtail, "capture", "--no-huge", "-i", "dpdk:net_null0,size=1400", "-w", path, "-c", "8000",
                    "--writer", writer)
                self.assertEqual({(1400, 1400, bytes(1400))},
                                 {(captured, wire, data) for _, captured, wire, data in
                                  readers.packets_of_libpcap(self, path)})
                self.assertEqual(8_000, readers.capinfos(self, path)["Number of packets"])

    def test_snaplen(self):
        cut = readers.packets_of_libpcap(self, self.record("-s", "96"))
        self.assert_same([(len(frame), frame[:96]) for frame in self.frames], [(wire, data) for _, _, wire, data in cut])


class EndlessDevices(DpdkTestbed):
    """Devices of DPDK that need nothing at all."""

    def test_null(self):
        count = Count(self, "dpdk:net_null0,size=300", "--no-huge", "-c", "100000")
        self.assertEqual(100_000, count.wait()["delivered"])
        path = self.directory / "out.pcapng"
        run(self.ringtail, "capture", "--no-huge", "-i", "dpdk:net_null0,size=300", "-w", path, "-c", "10000")
        self.assertEqual(10_000, readers.capinfos(self, path)["Number of packets"])

    def test_ring(self):
        count = Count(self, "dpdk:net_ring0", "--no-huge", "-a", "duration:0.3")
        self.assertEqual(0, count.wait()["received"])


class WithoutDpdk(DpdkTestbed):
    def test_a_program_on_the_kernel_ring_starts_without_dpdk(self):
        for program in (self.ringtail, self.helper("analyzer")):  # with the library inside, as anybody's program
            self.assertNotIn("librte_", run("ldd", program).stdout)
        self.veth()
        # What the dynamic loader has opened by the end of a count.
        loaded = run("env", "LD_DEBUG=files", self.ringtail, "count", "-i", "rx0", "-a", "duration:0.1").stderr
        self.assertIn("libpcap", loaded)
        self.assertNotIn("librte_", loaded)
        self.assertNotIn("ringtail-dpdk", loaded)

    def test_the_module_is_found_beside_the_program(self):
        if "libasan" in run("ldd", self.ringtail).stdout:
            self.skipTest("a sanitizer's dlopen() does not know the program's run path")
        found = run("env", "-u", "RINGTAIL_MODULE_DIR", self.ringtail, "count", "--no-huge", "-i", "dpdk:net_null0",
                    "-c", "1")
        self.assertEqual("1 packets, 64 bytes\n", found.stdout)
