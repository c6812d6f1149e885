"""Files mean the same to tshark, tcpdump, capinfos and to ringtail itself; senders that are not ours fill them."""

import pathlib
import subprocess

import pcapng
import readers
from capture import Capture
from testbed import Testbed, run

CORPUS = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus"
DEBIAN_PYTHON = "/usr/bin/python3"  # the one that python3-scapy is for


class SameToEveryReader(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def capture_mix(self, *options, name="capture.pcapng"):
        capture = Capture(self, *options, path=self.directory / name)
        self.send_numbered(500, "--size", 60, "--largest-size", 1_514)
        self.send_numbered(250, "--first", 500, "--size", 72, "--largest-size", 1_514, "--flows", 9)
        self.send_numbered(250, "--first", 750, "--tag", "8100:0064")
        account = capture.finish()
        self.assertEqual(1_000, account["written_packets"])
        self.assertEqual(0, capture.check_numbers(1_000)["missing"])
        return capture

    def check_same(self, path):
        packets = readers.summarize(readers.packets_of_libpcap(self, path))
        self.assert_same(packets, readers.packets_of_tshark(self, path))
        without_wire_length = [(time, captured, digest) for time, captured, _, digest in packets]
        self.assert_same(without_wire_length, readers.packets_of_tcpdump(self, path))
        table = readers.capinfos(self, path)
        self.assertEqual(len(packets), table["Number of packets"])
        self.assertEqual(sum(packet.wire_length for packet in packets), table["Data size"])
        self.check_same_through_file_source(path, packets)

    def check_same_through_file_source(self, path, packets):
        copy = path.with_name("copy.pcapng")
        copying = Capture(self, interface=f"file:{path}", path=copy, wait=False)
        copying.wait()
        self.assert_same(packets, readers.summarize(readers.packets_of_libpcap(self, copy)))

    def test_pcapng(self):
        self.check_same(self.capture_mix().path)

    def test_pcapng_with_snaplen(self):
        self.check_same(self.capture_mix("-s", "96").path)

    def test_pcap(self):
        capture = self.capture_mix("-F", "pcap", name="capture.pcap")
        self.check_same(capture.path)
        packets = readers.packets_of_libpcap(self, capture.path)
        self.assertTrue(all(time % 1_000 == 0 for time, _, _, _ in packets), "microseconds")

    def test_nsecpcap(self):
        capture = self.capture_mix("-F", "nsecpcap", name="capture.pcap")
        self.check_same(capture.path)
        packets = readers.packets_of_libpcap(self, capture.path)
        self.assertTrue(any(time % 1_000 != 0 for time, _, _, _ in packets), "nanoseconds")

    def test_times_are_those_of_now(self):
        capture = self.capture_mix()
        times = [time for time, _, _, _ in readers.packets_of_libpcap(self, capture.path)]
        changed_ns = capture.path.stat().st_mtime_ns
        self.assertLess(max(times), changed_ns + 10**9)
        self.assertGreater(min(times), changed_ns - 60 * 10**9)

    def test_pcapng_says_where_it_comes_from(self):
        capture = self.capture_mix("-f", "ether proto 0x88b6 or ip or vlan", "-s", "2000", "--capture-comment", "hello")
        section = pcapng.read(capture.path)
        self.assertIn("ringtail", section.options[pcapng.SHB_USERAPPL].decode())
        self.assertIn("Linux", section.options[pcapng.SHB_OS].decode())
        self.assertEqual(b"hello", section.options[pcapng.COMMENT])
        interface, = section.interfaces
        self.assertEqual(b"rx0", interface.options[pcapng.IF_NAME])
        self.assertIn(b"ether proto 0x88b6", interface.options[pcapng.IF_FILTER])
        self.assertEqual(b"\x09", interface.options[pcapng.IF_TSRESOL])
        self.assertEqual(2_000, interface.snaplen)

    def test_statistics_block_repeats_the_account(self):
        capture = Capture(self, "-B", "4")
        self.send_numbered(100_000)
        source = capture.finish()["sources"][0]
        last = pcapng.read(capture.path).statistics[-1]
        self.assertEqual(source["received"] + source["dropped_interface"], last[pcapng.ISB_IFRECV])
        self.assertEqual(source["dropped_interface"], last[pcapng.ISB_IFDROP])
        self.assertEqual(source["dropped_ring"], last[pcapng.ISB_OSDROP])
        self.assertEqual(capture.account["written_packets"], last[pcapng.ISB_USRDELIV])

    def test_packets_say_their_direction(self):
        capture = Capture(self)
        self.send_bytes([bytes(12) + b"\x88\xb6" + bytes(50)], "tx0")
        self.send_bytes([bytes(12) + b"\x88\xb6" + bytes(50)], "rx0")
        capture.finish()
        rows = readers.fields_of_tshark(self, capture.path, "frame.packet_flags_direction")
        self.assertEqual([1, 2], [int(row[0], 0) for row in rows])


class OtherSenders(Testbed):
    """What independent programs send is what the file holds."""

    def setUp(self):
        super().setUp()
        self.veth()

    def test_trafgen(self):
        self.need_program("trafgen")
        program = self.directory / "frames.cfg"
        program.write_text("{ 0x02,0,0,0,0,1, 0x02,0,0,0,0,2, 0x88,0xb7, dinc(0,255), fill('A',500) }\n")
        capture = Capture(self)
        run("trafgen", "-i", program, "-o", "tx0", "-n", "20000", "--cpus", "1", "-q", "-P1", status=None)
        account = capture.finish()
        self.assertEqual(0, account["sources"][0]["dropped_ring"])
        head = bytes.fromhex("020000000001 020000000002 88b7")
        sent = [head + bytes([number % 256]) + b"A" * 500 for number in range(1, 20_001)]
        self.assert_same(sent, readers.frames_of(self, capture.path))

    def test_scapy(self):
        if subprocess.run([DEBIAN_PYTHON, "-c", "import scapy"], capture_output=True).returncode != 0:
            self.skipTest("python3-scapy is not installed")
        sent_path = self.directory / "sent.pcap"
        program = ("from scapy.all import *; import sys; "
                   "packets = [Ether(dst='02:00:00:00:00:01')/Dot1Q(vlan=n)/IP(dst='10.0.0.1')/UDP(dport=n)/Raw(b'x'*n)"
                   " for n in range(1, 200)] + [Ether()/IPv6(dst='::1')/TCP(dport=n) for n in range(50)]; "
                   "packets = [Ether(bytes(p)) for p in packets]; "
                   "wrpcap(sys.argv[1], packets); sendp(packets, iface='tx0', verbose=False)")
        capture = Capture(self)
        run(DEBIAN_PYTHON, "-c", program, sent_path)
        capture.finish()
        self.assert_same(readers.frames_of(self, sent_path), readers.frames_of(self, capture.path))

    def replay(self, path, *options):
        capture = Capture(self, *options)
        run("tcpreplay", "-q", "-i", "tx0", "-p", "5000", path)
        capture.finish()
        return capture

    def test_tcpreplay_of_real_traffic(self):
        self.need_program("tcpreplay")
        traffic = CORPUS / "traffic"
        if not traffic.is_dir():
            self.skipTest("no shared/corpus beside the project")
        for name in ("mixed_web.pcap", "VlanPackets.pcap", "Vxlan1.pcap", "MplsPackets.pcap", "llc_vlan.pcap",
                     "ip4_fragments.pcap", "ipv6_options.pcap", "gtp-u.pcap"):
            with self.subTest(name):
                capture = self.replay(traffic / name)
                self.assert_same(readers.frames_of(self, traffic / name), readers.frames_of(self, capture.path))
