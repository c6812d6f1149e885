"""What analyzer.cpp is through the C++ interface, through Python's, in short: numbered frames come whole and in order.

    analyzer.py ringtail:cap            (PYTHONPATH leads to the module)
"""

import json
import struct
import sys

import ringtail

NUMBER_AND_LENGTH = struct.Struct("<QI")  # tests/fixture/numbered_frames.hpp
NUMBER_OFFSET = 14


def main():
    packets = wrong = lowest = 0
    with ringtail.Source(sys.argv[1]) as source:
        for batch in source:
            with batch:
                for packet, data in batch:
                    number, length = NUMBER_AND_LENGTH.unpack_from(data, NUMBER_OFFSET)
                    wrong += number < lowest or length != len(data)
                    lowest = number + 1
                packets += len(batch)
        dropped = source.stats().dropped_ring
    print(json.dumps({"packets": packets, "wrong": wrong, "dropped": dropped}))


if __name__ == "__main__":
    main()
