"""`ringtail send`: what goes in comes out, once, in order and in full, and the account says how many."""

import json
import signal
import subprocess
import time

import readers
from capture import Capture
from dpdk import DpdkTestbed
from frames import numbered_frame, write_pcap
from testbed import LONGEST_WAIT, run


class Send(DpdkTestbed):
    def setUp(self):
        super().setUp()
        self.frames = [numbered_frame(number, 30 + number * 11 % 1485) for number in range(3_000)]

    def send(self, device, *options):
        """The account of a finished run."""
        return json.loads(run(self.ringtail, "send", "-i", device, "--json", "-", *options).stdout)

    def played(self):
        return write_pcap(self.directory / "played.pcap", self.frames)

    def check_replay(self, device, *options, rounds=1):
        """What is sent into the veth pair's one end through `device` arrives at the other."""
        self.veth()
        capture = Capture(self)
        account = self.send(device, "-r", self.played(), *options, "--loop", rounds, "--rate", "50000")
        capture.finish()
        self.assert_same(self.frames * rounds, readers.frames_of(self, capture.path))
        self.assertEqual((len(self.frames) * rounds, sum(map(len, self.frames)) * rounds, 0),
                         (account["sent_packets"], account["sent_bytes"], account["too_long"]))

    def test_replay(self):
        self.check_replay("tx0")

    def test_replay_twice(self):
        self.check_replay("tx0", rounds=2)

    def test_replay_through_dpdk(self):
        self.check_replay("dpdk:net_af_packet0,iface=tx0", "--no-huge")

    def test_replay_between_two_processes(self):
        self.reserve_huge_pages()
        address = f"rsize=13,socket={self.socket},socket-abstract=no"
        capture = Capture(self, interface=f"dpdk:net_memif0,role=server,{address}")
        account = self.send(f"dpdk:net_memif0,role=client,zero-copy=yes,{address}", "-r", self.played())
        capture.finish()
        self.assert_same(self.frames, readers.frames_of(self, capture.path))
        self.assertEqual(len(self.frames), account["sent_packets"])

    def test_full_speed_between_two_processes(self):
        self.reserve_huge_pages()
        address = f"socket={self.socket},socket-abstract=no"
        capture = Capture(self, interface=f"dpdk:net_memif0,role=server,{address}")
        sent = self.send(f"dpdk:net_memif0,role=client,zero-copy=yes,{address}", "-c", "200000", "--size", "64")
        source = capture.finish()["sources"][0]
        self.assertEqual((200_000, 200_000), (sent["sent_packets"], source["received"]))

    def test_into_a_file_of_dpdks(self):
        path = self.directory / "sent.pcap"
        self.send(f"dpdk:net_pcap0,tx_pcap={path}", "--no-huge", "-r", self.played(), "-c", "1000")
        self.assert_same(self.frames[:1000], readers.frames_of(self, path))

    def test_long_frames_through_dpdk(self):
        path = self.directory / "sent.pcap"
        self.frames = [numbered_frame(number, 60 + number * 37 % 8_900) for number in range(300)]
        account = self.send(f"dpdk:net_pcap0,tx_pcap={path}", "--no-huge", "--mtu", "9000", "-r", self.played())
        self.assertEqual((len(self.frames), 0), (account["sent_packets"], account["too_long"]))
        self.assert_same(self.frames, readers.frames_of(self, path))
        self.send(f"dpdk:net_pcap0,tx_pcap={path}", "--no-huge", "--mtu", "9000", "-c", "10", "--size", "9000")
        self.assertEqual([9_000] * 10, [len(frame) for frame in readers.frames_of(self, path)])

    def test_made_frames(self):
        self.veth()
        capture = Capture(self)
        self.send("tx0", "-c", "1000", "--size", "100", "--flows", "7", "--rate", "20000")
        capture.finish()
        rows = readers.fields_of_tshark(self, capture.path, "frame.len", "ip.checksum.status", "udp.srcport", "udp.payload",
                                        options=("-o", "ip.check_checksum:TRUE"))
        payload = "{:016x}" + "00" * (100 - 50)
        self.assert_same([("100", "1", str(1024 + number % 7), payload.format(number)) for number in range(1000)], rows)

    def test_interrupted(self):
        self.veth()
        capture = Capture(self)
        sender = self.start(self.ringtail, "send", "-i", "tx0", "--rate", "5000", "--json", "-", stdout=subprocess.PIPE)
        time.sleep(0.5)
        sender.send_signal(signal.SIGINT)
        account = json.loads(sender.communicate(timeout=LONGEST_WAIT)[0])
        time.sleep(0.1)
        received = capture.finish()["sources"][0]["received"]
        self.assertEqual(0, sender.returncode)
        self.assertGreater(received, 0)
        self.assertEqual(account["sent_packets"], received)

    def test_duration(self):
        account = self.send("dpdk:net_null0", "--no-huge", "-a", "duration:0.2")
        self.assertGreater(account["sent_packets"], 0)
        self.assertLess(account["elapsed_seconds"], LONGEST_WAIT)

    def test_complaints(self):
        self.veth(mtu=1000)
        for status, words, text in (
            (1, ["-i", "nosuch0"], "No such device"),
            (1, ["-i", "tx0", "-r", self.directory / "none.pcap"], "none.pcap"),
            (1, ["-i", "tx0", "--size", "1100"], "1018"),
            (1, ["-i", "dpdk:net_null0", "--no-huge", "--size", "3000"], "raise the MTU (of dpdk: ports with --mtu)"),
            (1, ["-i", "dpdk:net_null0", "--no-huge", "--mtu", "60000"], "-B"),
            (2, ["-i", "dpdk:net_null0", "--mtu", "70000"], "--mtu"),
            (2, ["-i", "file:x"], "nothing can be sent there"),
            (2, [], "--interface"),
            (1, ["-i", "dpdk:net_memif0,role=server", "--no-huge"], "link is down"),
        ):
            with self.subTest(words):
                done = run(self.ringtail, "send", "-c", "1", *words, status=status)
                self.assertEqual(1, len(done.stderr.splitlines()), done.stderr)
                self.assertIn(text, done.stderr)

    def test_frames_that_are_too_long_are_left_out(self):
        self.veth(mtu=1000)
        account = self.send("tx0", "-r", self.played())
        fitting = sum(len(frame) <= 1018 for frame in self.frames)
        left_out = len(self.frames) - fitting
        self.assertEqual((fitting, left_out), (account["sent_packets"], account["too_long"]))
        done = run(self.ringtail, "send", "-i", "tx0", "-r", self.played())
        self.assertIn(f"{left_out} frames of more than 1018 bytes were left out; raise the MTU", done.stderr)
