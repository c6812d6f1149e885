"""Frames and capture files made byte by byte."""

import struct


def numbered_frame(number, length=64):
    """As tests/fixture/numbered_frames.hpp makes it."""
    frame = bytearray((number * 131 + at * 7) & 0xFF for at in range(length))
    checksum = 0x811C9DC5 ^ (number & 0xFFFFFFFF)
    for byte in frame[30:]:
        checksum = (checksum ^ byte) * 16777619 & 0xFFFFFFFF
    frame[12:14] = b"\x88\xb6"
    frame[14:30] = struct.pack("<QII", number, length, checksum)
    return bytes(frame)


def write_pcap(path, frames, wire_length=None):
    """A classic pcap file (microseconds, Ethernet) in which the frames are a millisecond apart."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for index, frame in enumerate(frames):
            seconds, milliseconds = divmod(index, 1000)
            file.write(struct.pack("<IIII", 1 + seconds, milliseconds * 1000, len(frame), wire_length or len(frame)))
            file.write(frame)
    return path
