"""Segments, as lib/protocol/README.md has them."""

import struct
import zlib

FLAGS = ["FIN", "SYN", "ACK", "RST", "PSH", "BLOCKED", "COOKIE", "PATH"]
MAX_NUMBER = 2**53 - 1
MAX_SEQ = 2**53 - 2**17


class Malformed(Exception):
    """Why a datagram is no segment: one of the reasons of the specification."""


def decode(datagram):
    """The segment in a datagram, as the JSON of the vectors has it."""
    if len(datagram) < 38:
        raise Malformed("too short")
    if datagram[4] & 0xF0 != 0xF0:
        raise Malformed("not ferry")
    if zlib.crc32(bytes(4) + datagram[4:]) != int.from_bytes(datagram[:4], "big"):
        raise Malformed("damaged")
    if datagram[4] != 0xF1:
        raise Malformed("other version")
    reader = Reader(datagram, 5)
    flags = {name for bit, name in enumerate(FLAGS) if datagram[5] >> bit & 1}
    reader.number(1)
    payload_length = reader.number(2)
    segment = {"flags": sorted(flags), "connectionId": reader.take(8).hex()}
    segment["packetNumber"] = reader.number(8)
    segment["seq"] = reader.number(8)
    segment["floor"] = segment["packetNumber"] - reader.number(4)
    require(reader.number(2) == len(datagram))
    require(segment["packetNumber"] < MAX_NUMBER)
    require(segment["seq"] <= MAX_SEQ and segment["floor"] >= 0)
    if flags & {"SYN", "COOKIE"}:
        segment["syn"] = decode_syn(reader)
        if "SYN" in flags:
            require(segment["seq"] == 0 and segment["syn"]["maxDatagramSize"] >= 1200)
    if "ACK" in flags:
        segment["ack"] = decode_ack(reader)
    if "PATH" in flags:
        require(not flags & {"SYN", "FIN", "RST", "COOKIE"} and payload_length == 0)
        kind = reader.number(1)
        require(kind <= 1)
        segment["path"] = {"kind": kind, "challenge": reader.take(8).hex()}
    segment["payload"] = reader.take(payload_length).hex()
    segment["padding"] = len(datagram) - reader.at
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
    ack, window, delay, edge, count = (reader.number(n) for n in (8, 4, 4, 8, 2))
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
    """The datagram of a segment; each varint is the shortest."""
    flags = sum(1 << FLAGS.index(name) for name in segment["flags"])
    payload = bytes.fromhex(segment["payload"])
    body = b""
    if "syn" in segment:
        syn = segment["syn"]
        cookie = bytes.fromhex(syn["cookie"])
        sizes = syn["maxDatagramSize"], syn["initialWindow"], syn["socketMemory"]
        body += struct.pack(">HIIB", *sizes, len(cookie)) + cookie
    if "ack" in segment:
        body += encode_ack(segment["ack"])
    if "path" in segment:
        path = segment["path"]
        body += bytes([path["kind"]]) + bytes.fromhex(path["challenge"])
    body += payload + bytes(segment.get("padding", 0))
    number, length = segment["packetNumber"], 38 + len(body)
    header = bytes([0xF1, flags]) + struct.pack(">H", len(payload))
    header += bytes.fromhex(segment["connectionId"])
    header += struct.pack(">QQIH", number, segment["seq"], number - segment["floor"], length)
    return zlib.crc32(bytes(4) + header + body).to_bytes(4, "big") + header + body


def encode_ack(ack):
    blocks = ack["blocks"]
    edge = blocks[0][1] if blocks else 0
    fields = ack["ack"], ack["window"], ack["ackDelay"], edge, len(blocks)
    encoded = struct.pack(">QIIQH", *fields)
    for index, (start, end) in enumerate(blocks):
        if index > 0:
            encoded += varint(blocks[index - 1][0] - end)
        encoded += varint(end - start)
    return encoded


def varint(value):
    """RFC 9000, section 16."""
    for power in range(4):
        size = 1 << power
        if value < 1 << (8 * size - 2):
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
