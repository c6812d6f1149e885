"""The judges see what they are there to see: a checker that finds no fault in a faulty file proves nothing."""

import struct

import pcapng
import readers
from frames import numbered_frame, write_pcap
from testbed import Testbed


class FrameChecker(Testbed):
    def judge(self, frames, count=10, wire_length=None):
        path = write_pcap(self.directory / "file.pcap", frames, wire_length)
        return readers.check_numbered(self, [path], count)

    def expect(self, frames, **faults):
        verdict = self.judge(frames)
        seen = {name: verdict[name] for name in ("missing", "duplicates", "out_of_order", "damaged", "invented",
                                                 "foreign", "cut")}
        self.assertEqual({**dict.fromkeys(seen, 0), **faults}, seen)
        return verdict

    def setUp(self):
        super().setUp()
        self.frames = [numbered_frame(number) for number in range(10)]

    def test_faultless(self):
        self.expect(self.frames)

    def test_missing(self):
        verdict = self.expect(self.frames[:3] + self.frames[5:9], missing=3)
        self.assertEqual([[3, 4], [9, 9]], verdict["missing_ranges"])

    def test_doubled(self):
        self.expect(self.frames + [self.frames[9]], duplicates=1)

    def test_out_of_order(self):
        self.frames[4], self.frames[5] = self.frames[5], self.frames[4]
        self.expect(self.frames, out_of_order=1)

    def test_every_damaged_byte(self):
        for at in set(range(64)) - {12, 13}:
            damaged = bytearray(self.frames[7])
            damaged[at] ^= 0x10
            # The number's upper half is not in the pattern: another number, and that was never sent.
            fault = "invented" if 18 <= at < 22 else "damaged"
            self.expect([*self.frames[:7], bytes(damaged), *self.frames[8:]], missing=1, **{fault: 1})

    def test_one_byte_less(self):
        self.expect([*self.frames[:9], self.frames[9][:63]], damaged=1, missing=1)

    def test_invented(self):
        self.expect([*self.frames, numbered_frame(10)], invented=1)

    def test_foreign(self):
        self.expect([*self.frames, bytes(64)], foreign=1)

    def test_cut_by_a_snaplen(self):
        verdict = self.judge([frame[:40] for frame in self.frames], wire_length=64)
        self.assertEqual((10, 0, 0), (verdict["cut"], verdict["damaged"], verdict["missing"]))
        self.frames[3] = self.frames[3][:39] + b"?"
        verdict = self.judge([frame[:40] for frame in self.frames], wire_length=64)
        self.assertEqual(1, verdict["damaged"])

    def test_torn_file(self):
        self.judge(self.frames)
        path = self.directory / "file.pcap"
        path.write_bytes(path.read_bytes()[:-1])
        self.assertTrue(readers.check_numbered(self, [path], 10)["complaints"])


class StrictReader(Testbed):
    SECTION = struct.pack("<IIIHHqI", pcapng.SECTION, 28, 0x1A2B3C4D, 1, 0, -1, 28)

    def read(self, data):
        path = self.directory / "file.pcapng"
        path.write_bytes(data)
        return pcapng.read(path)

    def test_sound(self):
        self.assertEqual(0, self.read(self.SECTION).packet_count)

    def test_unsound(self):
        packet_without_interface = struct.pack("<IIIIIIII", 6, 32, 0, 0, 0, 0, 0, 32)
        for data in (b"\0" * 64, self.SECTION[:-1], self.SECTION + b"\0" * 4, self.SECTION[:-4] + b"\x20\0\0\0",
                     self.SECTION + packet_without_interface, packet_without_interface):
            with self.assertRaises(ValueError):
                self.read(data)
