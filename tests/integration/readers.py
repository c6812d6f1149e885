"""What readers that are not ours say about a file."""

import hashlib
import json
import re
from collections import namedtuple

from testbed import run

Packet = namedtuple("Packet", "time_ns captured_length wire_length digest")


def check_numbered(case, files, count, first=0, step=1):
    options = ["--count", count, "--first", first, "--step", step]
    return json.loads(run(case.helper("frame_checker"), *options, *files).stdout)


def packets_of_libpcap(case, path):
    """[(time_ns, captured_length, wire_length, bytes)]"""
    lines = run(case.helper("frame_checker"), "--list", path).stdout.splitlines()
    rows = (line.split(" ") for line in lines)
    return [(int(time), int(captured), int(wire), bytes.fromhex(data)) for time, captured, wire, data in rows]


def frames_of(case, path):
    return [data for _, _, _, data in packets_of_libpcap(case, path)]


def summarize(packets):
    return [Packet(time, captured, wire, hashlib.md5(data).hexdigest()) for time, captured, wire, data in packets]


def fields_of_tshark(case, path, *fields, options=()):
    """A list of tuples of text, one per packet."""
    case.need_program("tshark")
    chosen = [word for field in fields for word in ("-e", field)]
    done = run("tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t", *options, *chosen)
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


def packets_of_tshark(case, path):
    rows = fields_of_tshark(case, path, "frame.time_epoch", "frame.cap_len", "frame.len", "frame.md5_hash",
                            options=("-o", "frame.generate_md5_hash:TRUE"))
    return [Packet(nanoseconds(time), int(captured), int(wire), digest) for time, captured, wire, digest in rows]


def packets_of_tcpdump(case, path):
    """tcpdump prints captured bytes and the time; the wire length only where it dissects none of it."""
    case.need_program("tcpdump")
    text = run("tcpdump", "-n", "-e", "-tt", "-xx", "--time-stamp-precision=nano", "-r", path).stdout
    packets = []
    for head, dump in re.findall(r"^(\d+\.\d+) .*\n((?:\t0x.*\n)+)", text, re.MULTILINE):
        digits = "".join(re.sub(r"^\t0x[0-9a-f]+:|\s", "", line) for line in dump.splitlines())
        data = bytes.fromhex(digits)
        packets.append((nanoseconds(head), len(data), hashlib.md5(data).hexdigest()))
    return packets


def capinfos(case, path):
    """The table of capinfos as a dictionary; numbers are numbers, without their units."""
    case.need_program("capinfos")
    table = {}
    for line in run("capinfos", "-M", path).stdout.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        number = re.fullmatch(r"(\d+)( [a-z]+)?", value)
        table[key] = int(number.group(1)) if number else value
    return table


def nanoseconds(text):
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int((fraction + "0" * 9)[:9])
