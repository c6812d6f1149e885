#!/usr/bin/env python3
"""Counts packets by what they carry, reading them where they arrived:  protocol_counter.py DEVICE [PACKETS]"""

import collections
import sys

import ringtail


def count(source, limit):
    packets = wire_bytes = 0
    protocols = collections.Counter()
    for batch in source:
        with batch:
            if len(batch) > limit - packets:
                batch.keep_first(int(limit - packets))
            for packet, data in batch:
                protocols[bytes(data[12:14]).hex()] += 1
                wire_bytes += packet.wire_length
            packets += len(batch)
        if packets >= limit:
            break
    return packets, wire_bytes, protocols


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else float("inf")
    try:
        with ringtail.Source(sys.argv[1], snaplen=64) as source:
            packets, wire_bytes, protocols = count(source, limit)
            dropped = source.stats().dropped_ring
    except ringtail.Error as error:
        sys.exit(f"protocol_counter: {error}")
    for protocol, number in protocols.most_common():
        print(f"EtherType 0x{protocol}: {number} packets")
    print(f"{packets} packets, {wire_bytes} bytes, {dropped} dropped")


if __name__ == "__main__":
    main()
