"""Frames of every size and kind arrive in the file as they were on the wire."""

import fcntl
import os
import random
import socket
import struct

import readers
from capture import Capture
from testbed import Testbed, run

CAPTURED_LIMIT = 262_140  # readers refuse packets above 262,144 bytes
ETHERNET = bytes.fromhex("020000000001 020000000002 88b6")


class Sizes(Testbed):
    def test_shortest(self):
        """From a bare Ethernet header on."""
        self.veth()
        capture = Capture(self)
        frames = [ETHERNET + os.urandom(length) for length in range(0, 51)]
        self.send_bytes(frames)
        capture.finish()
        self.assert_same(frames, readers.frames_of(self, capture.path))

    def test_every_size_of_a_large_mtu(self):
        self.veth(mtu=65_535)
        capture = Capture(self)
        sent = self.send_numbered(3_000, "--size", 30, "--largest-size", 65_226)
        sent_at_the_end = self.send_numbered(100, "--first", 3_000, "--size", 65_200, "--largest-size", 65_226)
        account = capture.finish()
        verdict = capture.check_numbers(3_100)
        self.assertEqual(0, verdict["missing"])
        self.assertEqual(0, verdict["cut"])
        self.assertEqual(sent["bytes"] + sent_at_the_end["bytes"], verdict["captured_bytes"])
        self.assertEqual(0, account["sources"][0]["truncated"])

    def test_jumbo(self):
        self.veth(mtu=9_000)
        capture = Capture(self)
        sent = self.send_numbered(10_000, "--size", 9_014)
        capture.finish()
        verdict = capture.check_nothing_unaccounted(sent, 10_000)
        self.assertEqual(0, verdict["cut"])

    def test_snaplen(self):
        self.veth()
        capture = Capture(self, "-s", "96")
        self.send_numbered(50_000, "--size", 60, "--largest-size", 1_514)
        account = capture.finish()
        verdict = capture.check_numbers(50_000)
        self.assertEqual(0, verdict["missing"])
        packets = readers.packets_of_libpcap(self, capture.path)
        self.assertTrue(all(captured == min(96, wire) for _, captured, wire, _ in packets))
        self.assertGreater(sum(wire for _, _, wire, _ in packets), 30_000_000)
        self.assertEqual(0, account["sources"][0]["truncated"], "a snaplen is no want of room")

    def test_random_bytes(self):
        self.veth()
        capture = Capture(self)
        source = random.Random(1)
        frames = [source.randbytes(source.randint(14, 1_514)) for _ in range(2_000)]
        # Random ethertypes 0x8100 and 0x88a8 would be tags: those have a test of their own.
        frames = [frame[:12] + bytes([frame[12] & 0x7F]) + frame[13:] for frame in frames]
        self.send_bytes(frames)
        capture.finish()
        self.assert_same(frames, readers.frames_of(self, capture.path))


class BigTcp(Testbed):
    """Segments larger than any reader takes: captured up to the readers' limit, cut and counted beyond it."""

    SEGMENT_BYTES = 400_000
    HERE = "fd00::2"

    def setUp(self):
        super().setUp()
        self.veth()
        self.peer = self.second_namespace()
        self.ip("link", "set", "tx0", "netns", self.peer.pid)
        self.set_up("tx0", "fd00::1", self.peer)
        self.set_up("rx0", self.HERE, None)

    def set_up(self, name, address, namespace):
        # IPv6: for IPv4 the setting is younger than Debian's ip.
        sizes = ["gso_max_size", self.SEGMENT_BYTES, "gro_max_size", self.SEGMENT_BYTES]
        done = self.ip("link", "set", "dev", name, *sizes, status=None, namespace=namespace)
        if done.returncode != 0:
            self.skipTest(f"no BIG TCP here: {done.stderr.strip()}")
        enable = ["sysctl", "-q", "-w", f"net.ipv6.conf.{name}.disable_ipv6=0"]
        if run(*self.inside(namespace), *enable, status=None).returncode != 0:
            self.skipTest("no IPv6 here")
        self.ip("link", "set", name, "up", namespace=namespace)
        self.ip("addr", "add", f"{address}/64", "dev", name, "nodad", namespace=namespace)

    def pour(self, total_bytes):
        """TCP from the peer to here."""
        program = (f"import socket; connection = socket.create_connection(('{self.HERE}', 5001));"
                   f"connection.sendall(bytes({total_bytes})); connection.close()")
        with socket.create_server((self.HERE, 5001), family=socket.AF_INET6) as server:
            server.settimeout(20)
            sender = self.start(*self.inside(self.peer), "python3", "-c", program)
            connection, _ = server.accept()
            with connection:
                connection.settimeout(20)
                while connection.recv(1 << 20):
                    pass
            self.assertEqual(0, sender.wait(20))

    def test_beyond_the_readers_limit(self):
        capture = Capture(self)
        self.pour(32 << 20)
        account = capture.finish()
        packets = readers.packets_of_libpcap(self, capture.path)
        beyond = [(captured, wire) for _, captured, wire, _ in packets if wire > CAPTURED_LIMIT]
        if not beyond:
            largest = max(wire for _, _, wire, _ in packets)
            self.skipTest(f"the kernel made no segment beyond {CAPTURED_LIMIT} bytes (largest: {largest})")
        self.assertEqual({CAPTURED_LIMIT}, {captured for captured, _ in beyond})
        self.assertTrue(all(captured == wire for _, captured, wire, _ in packets if wire <= CAPTURED_LIMIT))
        self.assertEqual(len(beyond), account["sources"][0]["truncated"])
        self.assertEqual(len(packets), len(readers.packets_of_tshark(self, capture.path)))


class Tags(Testbed):
    STACKS = {
        "802.1Q": ["8100:0064"],
        "802.1Q priority 5 and drop eligible": ["8100:b064"],
        "priority tag": ["8100:e000"],
        "802.1ad": ["88a8:0007"],
        "QinQ": ["88a8:00c8", "8100:0064"],
        "stacked 802.1Q": ["8100:00c8", "8100:0064"],
        "three": ["88a8:0001", "8100:0002", "8100:0003"],
    }

    def setUp(self):
        super().setUp()
        self.veth()

    def send_stacks(self):
        """100 frames of each stack and 100 without; what their bytes 12 on must be."""
        expected = []
        for at, tags in enumerate([[], *self.STACKS.values()]):
            options = [word for tag in tags for word in ("--tag", tag)]
            self.send_numbered(100, "--first", at * 100, "--size", 64, "--largest-size", 1_500, *options)
            expected += [bytes.fromhex("".join(tags).replace(":", "") + "88b6")] * 100
        return expected

    def capture_with(self, *options):
        capture = Capture(self, *options)
        expected = self.send_stacks()
        capture.finish()
        return capture, expected

    def test_bytes_are_those_of_the_wire(self):
        capture, expected = self.capture_with()
        verdict = capture.check_numbers(len(expected))
        self.assertEqual(0, verdict["missing"])
        self.assertEqual(0, verdict["cut"])
        frames = readers.frames_of(self, capture.path)
        self.assertEqual(expected, [frame[12:12 + len(tags)] for frame, tags in zip(frames, expected)])

    def test_classic_pcap(self):
        capture, expected = self.capture_with("-F", "pcap")
        frames = readers.frames_of(self, capture.path)
        self.assertEqual(expected, [frame[12:12 + len(tags)] for frame, tags in zip(frames, expected)])

    def test_snaplen_counts_the_tag(self):
        capture, expected = self.capture_with("-s", "60")
        packets = readers.packets_of_libpcap(self, capture.path)
        self.assertEqual(len(expected), len(packets))
        self.assertTrue(all(captured <= 60 for _, captured, _, _ in packets))
        self.assertEqual(expected, [data[12:12 + len(tags)] for (_, _, _, data), tags in zip(packets, expected)])
        capture.check_numbers(len(expected))

    def test_tshark_sees_the_tags(self):
        capture, _ = self.capture_with()
        rows = readers.fields_of_tshark(self, capture.path, "vlan.id", "vlan.priority", "vlan.dei")
        # The tags of one stack, in the order of the wire; 802.1ad outer tags are "ieee8021ad.id" elsewhere.
        self.assertEqual(("100", "0", "0"), rows[100])
        self.assertEqual(("100", "5", "1"), rows[200])
        self.assertEqual(("0", "7", "0"), rows[300])
        self.assertEqual("200,100", rows[600][0])

    def numbers_with(self, *filter_words):
        capture, _ = self.capture_with("-f", " ".join(filter_words))
        frames = readers.frames_of(self, capture.path)
        self.directory.joinpath("capture.pcapng").unlink()
        return {kind for kind in [None, *self.STACKS]
                if any(self.kind_of(frame) == kind for frame in frames)}

    def kind_of(self, frame):
        number = int.from_bytes(frame[frame.index(b"\x88\xb6", 12) + 2:][:8], "little")
        return [None, *self.STACKS][number // 100]

    def test_vlan_filters(self):
        tagged = set(self.STACKS)
        vlan_100 = {"802.1Q", "802.1Q priority 5 and drop eligible"}
        self.assertEqual(tagged, self.numbers_with("vlan"))
        self.assertEqual(vlan_100, self.numbers_with("vlan 100"))
        self.assertEqual({"QinQ", "stacked 802.1Q"}, self.numbers_with("vlan 200 and vlan 100"))
        self.assertEqual({None}, self.numbers_with("not vlan"))


class OtherLinks(Testbed):
    def test_tun_has_no_link_header(self):
        tun = self.open_tun("tun0")
        self.ip("link", "set", "tun0", "up")
        capture = Capture(self, interface="tun0")
        packets = [self.ipv4(bytes([number]) * (number * 7)) for number in range(1, 100)]
        for packet in packets:
            os.write(tun, packet)
        capture.finish()
        self.assertEqual(packets, readers.frames_of(self, capture.path))
        self.assertEqual("rawip", readers.capinfos(self, capture.path)["File encapsulation"])
        self.assertEqual({("17",)}, set(readers.fields_of_tshark(self, capture.path, "ip.proto")))

    def test_hardware_nobody_knows(self):
        """The frames are kept as they are, under a link type that no reader dissects."""
        tun = self.open_tun("tun0")
        set_link, controller_area_network = 0x400454CD, 280  # linux/if_tun.h, linux/if_arp.h
        fcntl.ioctl(tun, set_link, controller_area_network)
        self.ip("link", "set", "tun0", "up")
        capture = Capture(self, interface="tun0")
        packet = self.ipv4(b"not for a dissector")
        os.write(tun, packet)
        capture.finish()
        self.assertEqual([packet], readers.frames_of(self, capture.path))
        self.assertEqual("user0", readers.capinfos(self, capture.path)["File encapsulation"])
        refused = run(self.ringtail, "count", "-i", "tun0", "tcp", status=1)
        self.assertIn("tcp", refused.stderr)

    def open_tun(self, name):
        set_interface, tun, no_packet_information = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
        try:
            descriptor = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(descriptor, set_interface, struct.pack("16sH22x", name.encode(), tun | no_packet_information))
        except OSError as error:
            self.skipTest(f"no tun device: {error}")
        self.addCleanup(os.close, descriptor)
        return descriptor

    @staticmethod
    def ipv4(payload):
        udp = struct.pack("!HHHH", 9, 9, 8 + len(payload), 0) + payload
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 1, 0, 1]),
                           bytes([10, 1, 0, 2]))
        total = sum(struct.unpack("!10H", head))
        checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        return head[:10] + struct.pack("!H", checksum) + head[12:] + udp

    def test_loopback_has_each_packet_once(self):
        self.ip("link", "set", "lo", "up")
        capture = Capture(self, interface="lo")
        self.send_datagrams(1_000)
        account = capture.finish()
        self.assertEqual(1_000, account["written_packets"])
        rows = readers.fields_of_tshark(self, capture.path, "udp.payload")
        self.assertEqual([(f"{number:08x}",) for number in range(1_000)], rows)

    @staticmethod
    def send_datagrams(count):
        with (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
              socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender):
            receiver.bind(("127.0.0.1", 5001))  # nobody there would be answered with ICMP
            for number in range(count):
                sender.sendto(number.to_bytes(4, "big"), ("127.0.0.1", 5001))

    def test_any_names_every_interface(self):
        self.veth("tx0", "rx0")
        self.veth("tx1", "rx1")
        self.ip("link", "set", "lo", "up")
        capture = Capture(self, "--direction", "in", interface="any")
        self.send_numbered(100, interface="tx0")
        self.send_numbered(200, "--first", 100, interface="tx1")
        self.send_datagrams(300)
        account = capture.finish()
        self.assertEqual(600, account["written_packets"])
        names = [name for name, in readers.fields_of_tshark(self, capture.path, "frame.interface_name")]
        self.assertEqual({"rx0": 100, "rx1": 200, "lo": 300}, {name: names.count(name) for name in set(names)})

    def test_any_filters_by_link_type(self):
        """A filter on bytes has another offset on each link type."""
        self.veth()
        tun = self.open_tun("tun0")
        self.ip("link", "set", "tun0", "up")
        capture = Capture(self, "--direction", "in", "-f", "udp port 9", interface="any")
        packet = self.ipv4(b"hello")
        os.write(tun, packet)
        self.send_bytes([bytes(12) + b"\x08\x00" + packet, ETHERNET + packet])
        capture.finish()
        rows = readers.fields_of_tshark(self, capture.path, "frame.interface_name", "udp.port")
        self.assertEqual([("rx0", "9,9"), ("tun0", "9,9")], sorted(rows))
        self.assertIn("link type", capture.errors(), "libpcap programs refuse mixed link types: it must say so")

    def test_direction(self):
        self.veth()
        for direction, expected in (("in", [b"in"]), ("out", [b"out"]), ("inout", [b"in", b"out"])):
            capture = Capture(self, "--direction", direction,
                              path=self.directory / f"{direction}.pcapng")
            self.send_bytes([ETHERNET + b"in".ljust(50)], "tx0")
            self.send_bytes([ETHERNET + b"out".ljust(50)], "rx0")
            capture.finish()
            self.assertEqual(expected, [frame[14:].strip() for frame in readers.frames_of(self, capture.path)])
