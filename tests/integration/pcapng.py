"""A small strict reader of pcapng: every block's two lengths agree, nothing stands between blocks. Little-endian."""

import struct
from collections import namedtuple

COMMENT = 1
SHB_HARDWARE, SHB_OS, SHB_USERAPPL = 2, 3, 4
IF_NAME, IF_TSRESOL, IF_FILTER = 2, 9, 11
ISB_IFRECV, ISB_IFDROP, ISB_OSDROP, ISB_USRDELIV = 4, 5, 7, 8

SECTION, INTERFACE, ENHANCED_PACKET, STATISTICS = 0x0A0D0D0A, 1, 6, 5

Section = namedtuple("Section", "options interfaces statistics packet_count notes")
Interface = namedtuple("Interface", "link_type snaplen options")


def blocks(data):
    """(type, body) of each; raises ValueError where the file is no whole number of sound blocks."""
    at = 0
    while at < len(data):
        if len(data) - at < 12:
            raise ValueError(f"{len(data) - at} bytes behind the last block, at {at}")
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or length % 4 or at + length > len(data):
            raise ValueError(f"block of {length} bytes at {at} of {len(data)}")
        if struct.unpack_from("<I", data, at + length - 4)[0] != length:
            raise ValueError(f"two lengths of the block at {at} differ")
        yield kind, data[at + 8:at + length - 4]
        at += length


def options(data):
    """{code: value}; of doubled options the last."""
    found = {}
    while len(data) >= 4:
        code, length = struct.unpack_from("<HH", data)
        if code == 0:
            break
        found[code] = data[4:4 + length]
        data = data[4 + (length + 3) // 4 * 4:]
    return found


def read(path):
    section_options, interfaces, statistics, packets, notes = None, [], [], 0, []
    for kind, body in blocks(path.read_bytes()):
        if kind == SECTION:
            if section_options is not None:
                raise ValueError("a second section")
            section_options = options(body[16:])
        elif section_options is None:
            raise ValueError("no section header")
        elif kind == INTERFACE:
            link_type, _, snaplen = struct.unpack_from("<HHI", body)
            interfaces.append(Interface(link_type, snaplen, options(body[8:])))
        elif kind == STATISTICS:
            figures = options(body[12:])
            if COMMENT in figures:
                notes.append(figures.pop(COMMENT).decode())
            if figures:
                statistics.append({code: int.from_bytes(value, "little") for code, value in figures.items()})
        elif kind == ENHANCED_PACKET:
            packets += 1
            if struct.unpack_from("<I", body)[0] >= len(interfaces):
                raise ValueError("a packet of an interface that is not described before it")
    return Section(section_options, interfaces, statistics, packets, notes)
