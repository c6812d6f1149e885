"""Writes a capture of conversations as they are on a network's links, with scapy: conversations.py OUT.pcap [COUNT]

TCP and UDP over IPv4 and IPv6, some of them in VLANs or in a VXLAN tunnel; requests and longer answers, all mixed up.
"""

import random
import sys

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from scapy.utils import wrpcap

CLIENT, SERVER = "02:00:00:00:00:01", "02:00:00:00:00:02"


def network_of(number, chance):
    """The network layer of both directions."""
    here, there = 1 + chance.randrange(50), 1 + chance.randrange(5)
    if number % 4 == 3:
        return [IPv6(src=f"fd00::{one}", dst=f"fd00::{other}")
                for one, other in ((f"a:{here}", f"b:{there}"), (f"b:{there}", f"a:{here}"))]
    return [IP(src=one, dst=other)
            for one, other in ((f"10.1.0.{here}", f"192.0.2.{there}"), (f"192.0.2.{there}", f"10.1.0.{here}"))]


def wrapped(number, packet, source, destination):
    link = Ether(src=source, dst=destination)
    if number % 5 == 1:
        return link / Dot1Q(vlan=10 + number % 3) / packet
    if number % 5 == 2:  # the outer ports are the same in both directions (RFC 7348)
        ends = ("198.51.100.1", "198.51.100.2") if source == CLIENT else ("198.51.100.2", "198.51.100.1")
        outer = IP(src=ends[0], dst=ends[1]) / UDP(sport=50_000, dport=4789, chksum=0)
        return link / outer / VXLAN(vni=7) / Ether(src=source, dst=destination) / packet
    return link / packet


def conversation(number, chance):
    there, back = network_of(number, chance)
    port, service = 1024 + number, chance.choice((53, 80, 443))
    transport = UDP if number % 3 == 0 else TCP
    ask, answer = transport(sport=port, dport=service), transport(sport=service, dport=port)
    for _ in range(chance.randrange(1, 8)):
        yield wrapped(number, there / ask / Raw(b"?" * chance.randrange(100)), CLIENT, SERVER)
        yield wrapped(number, back / answer / Raw(b"!" * chance.randrange(1200)), SERVER, CLIENT)


def main():
    chance = random.Random(1)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    open_ones = [list(conversation(number, chance)) for number in range(count)]
    packets = []
    while open_ones:
        one = chance.choice(open_ones)
        packets.append(one.pop(0))
        if not one:
            open_ones.remove(one)
    wrpcap(sys.argv[1], packets)


if __name__ == "__main__":
    main()
