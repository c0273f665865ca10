"""A host or router that behaves as the kernel never does; written for the tests of nocbot's probes.

odd.py echo MODE [ADDRESS]   answers echo requests: twice, late (700 ms), from another ADDRESS, or all three by turns
odd.py hop DEVICE MODE       answers packets whose time to live ends here: with mpls labels, or quoting 8 bytes

The kernel's own answers must be off: icmp_echo_ignore_all, or a filter that lets only the mark 7 out.
"""

import socket
import struct
import sys
import threading

SO_MARK = 36


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def sealed(message, at=2):
    return message[:at] + struct.pack("!H", checksum(message)) + message[at + 2 :]


def raw():
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    out.setsockopt(socket.SOL_SOCKET, SO_MARK, 7)
    return out


def echo(mode, address):
    hear, usual, other = raw(), raw(), raw()
    if address:
        other.bind((address, 0))
    print("ready", flush=True)
    number = 0
    while True:
        packet, (sender, _) = hear.recvfrom(65535)
        length = (packet[0] & 15) * 4
        message = packet[length:]
        if message[0] != 8:
            continue
        reply = sealed(b"\0\0\0\0" + message[4:])
        this = ["twice", "late", "other"][number % 3] if mode == "turns" else mode
        number += 1
        usual.bind((socket.inet_ntoa(packet[16:20]), 0))
        if this == "twice":
            usual.sendto(reply, (sender, 0))
            usual.sendto(reply, (sender, 0))
        elif this == "late":
            threading.Timer(0.7, usual.sendto, (reply, (sender, 0))).start()
        else:
            other.sendto(reply, (sender, 0))


def hop(device, mode):
    hear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    hear.bind((device, 0))
    out = raw()
    print("ready", flush=True)
    while True:
        packet, where = hear.recvfrom(65535)
        if where[2] == socket.PACKET_OUTGOING or packet[8] != 1:
            continue
        length = (packet[0] & 15) * 4
        if mode == "mpls":
            quoted = packet[:128].ljust(128, b"\0")
            entries = struct.pack("!II", 24005 << 12 | 5 << 9 | 1, 16 << 12 | 1 << 8 | 2)
            extension = sealed(b"\x20\0\0\0" + struct.pack("!HBB", 12, 1, 1) + entries)
            message = struct.pack("!BBHBBH", 11, 0, 0, 0, 32, 0) + quoted + extension
        else:
            message = struct.pack("!BBHI", 11, 0, 0, 0) + packet[: length + 8]
        out.sendto(sealed(message), (socket.inet_ntoa(packet[12:16]), 0))


if sys.argv[1] == "echo":
    echo(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
else:
    hop(sys.argv[2], sys.argv[3])
