"""Segments, as lib/protocol/README.md has them."""

import struct
import zlib

FLAGS = ["FIN", "SYN", "ACK", "RST", "PSH", "BLOCKED", "FLOOR", "PATH"]
MAX_NUMBER = 2**53 - 1
MAX_SEQ = 2**53 - 2**17
VERSION = 1
PROBE, COOKIE = 2, 3


class Malformed(Exception):
    """Why a datagram is no segment: one of the reasons of the specification."""


def decode(datagram):
    """The segment in a datagram, as the JSON of the vectors has it."""
    if len(datagram) < 13:
        raise Malformed("too short")
    bits = datagram[6]
    flags = {name for bit, name in enumerate(FLAGS) if bits >> bit & 1}
    if flags >= {"SYN", "RST"}:
        raise Malformed("not ferry")
    if zlib.crc32(bytes(4) + datagram[4:]) != int.from_bytes(datagram[:4], "big"):
        raise Malformed("damaged")
    reader = Reader(datagram, 7)
    segment = {"flags": sorted(flags), "connectionId": reader.take(4).hex()}
    number = segment["packetNumber"] = reader.varint()
    segment["seq"] = reader.varint()
    require(number < MAX_NUMBER and segment["seq"] <= MAX_SEQ)
    payload_length = None
    if "SYN" in flags:
        if reader.number(1) != VERSION:
            raise Malformed("other version")
        payload_length = reader.number(2)
        segment["syn"] = decode_syn(reader)
        require(segment["seq"] == 0 and segment["syn"]["maxDatagramSize"] >= 1200)
    segment["floor"] = number - reader.varint() if "FLOOR" in flags else 0
    require(segment["floor"] >= 0)
    if "ACK" in flags:
        segment["ack"] = decode_ack(reader)
    if "PATH" in flags:
        require(not flags & {"SYN", "FIN", "RST"})
        payload_length = 0
        kind = reader.number(1)
        require(kind <= COOKIE)
        segment["path"] = {"kind": kind}
        if kind == COOKIE:
            segment["path"]["cookie"] = reader.take(reader.number(1)).hex()
        elif kind != PROBE:
            segment["path"]["challenge"] = reader.take(8).hex()
    if payload_length is None:
        payload_length = len(datagram) - reader.at
    segment["payload"] = reader.take(payload_length).hex()
    segment["padding"] = len(datagram) - reader.at
    require(int.from_bytes(datagram[4:6], "big") == len(datagram))
    return segment


def decode_syn(reader):
    size, window, memory = (reader.number(length) for length in (2, 4, 4))
    cookie = reader.take(reader.number(1)).hex()
    return {
        "maxDatagramSize": size,
        "initialWindow": window,
        "socketMemory": memory,
        "cookie": cookie,
    }


def decode_ack(reader):
    ack, window = reader.varint(), reader.number(4)
    delay, edge, count = reader.varint(), reader.varint(), reader.varint()
    require(ack <= MAX_SEQ and edge <= MAX_NUMBER and count <= 256)
    blocks = []
    for index in range(count):
        gap = reader.varint() if index > 0 else 0
        length = reader.varint()
        require(length > 0 and (gap > 0 or index == 0))
        end = edge - gap
        edge = end - length
        require(edge >= 0)
        blocks.append([edge, end])
    return {"ack": ack, "window": window, "ackDelay": delay, "blocks": blocks}


def encode(segment):
    """The datagram of a segment."""
    flags = sum(1 << FLAGS.index(name) for name in segment["flags"])
    payload = bytes.fromhex(segment["payload"])
    number, seq = segment["packetNumber"], segment["seq"]
    body = bytes([flags]) + bytes.fromhex(segment["connectionId"])
    body += varint(number, 4) + varint(seq, 4)
    if "syn" in segment:
        syn = segment["syn"]
        cookie = bytes.fromhex(syn["cookie"])
        sizes = syn["maxDatagramSize"], syn["initialWindow"], syn["socketMemory"]
        body += struct.pack(">BHHII", VERSION, len(payload), *sizes)
        body += bytes([len(cookie)]) + cookie
    if "FLOOR" in segment["flags"]:
        body += varint(number - segment["floor"])
    if "ack" in segment:
        body += encode_ack(segment["ack"])
    if "path" in segment:
        path = segment["path"]
        body += bytes([path["kind"]]) + bytes.fromhex(path.get("challenge", ""))
        if path["kind"] == COOKIE:
            cookie = bytes.fromhex(path["cookie"])
            body += bytes([len(cookie)]) + cookie
    body += payload + bytes(segment.get("padding", 0))
    body = struct.pack(">H", 6 + len(body)) + body
    return zlib.crc32(bytes(4) + body).to_bytes(4, "big") + body


def encode_ack(ack):
    blocks = ack["blocks"]
    edge = blocks[0][1] if blocks else 0
    encoded = varint(ack["ack"], 4) + struct.pack(">I", ack["window"])
    encoded += varint(ack["ackDelay"]) + varint(edge, 4) + varint(len(blocks))
    for index, (start, end) in enumerate(blocks):
        if index > 0:
            encoded += varint(blocks[index - 1][0] - end)
        encoded += varint(end - start)
    return encoded


def varint(value, least=1):
    """RFC 9000, section 16, in the shortest of the forms with at least so many bytes."""
    for power in range(4):
        size = 1 << power
        if size >= least and value < 1 << (8 * size - 2):
            return (value | power << (8 * size - 2)).to_bytes(size, "big")
    raise ValueError(value)


def require(condition):
    if not condition:
        raise Malformed("malformed")


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, size):
        require(self.at + size <= len(self.data))
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self):
        first = self.number(1)
        size = 1 << (first >> 6)
        return (first & 0x3F) << 8 * (size - 1) | self.number(size - 1)
