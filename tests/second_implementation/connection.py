"""A client's side of a connection over UDP: slow, one segment at a time."""

import secrets
import socket
import time

from segments import Malformed, decode, encode

SIZE = 1200
TIMEOUT = 10


class Connection:
    """Opened with the first bytes of its stream."""

    def __init__(self, address, first):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)
        self.socket.settimeout(0.2)
        self.id = secrets.token_hex(4)
        self.number = self.floor = secrets.randbits(32)
        self.cookie = ""
        # What is sent: the SYN is number 0, `sending` begins at 1
        self.sending, self.ended, self.una, self.edge = first, False, 0, 1
        # What came: in order from number 1 on, the rest by its number
        self.received, self.pieces, self.peer_fin = b"", {}, None
        self.numbers = set()
        self.over = self.opened = False
        while not self.opened:
            self.send_next()
            self.receive()

    @property
    def ack(self):
        """The next sequence number that is expected."""
        fin = self.peer_fin is not None and self.peer_fin == 1 + len(self.received)
        return 1 + len(self.received) + fin

    @property
    def finished(self):
        """Whether the peer has all, and all of the peer's is here."""
        return self.una == len(self.sending) + 2 and self.ack == (self.peer_fin or 1e99) + 1

    def write(self, data):
        self.sending += data
        self.until(lambda: self.una > len(self.sending))

    def close_write(self):
        self.ended = True
        self.until(lambda: self.una > len(self.sending) + 1)

    def read(self, size):
        """Exactly so many bytes."""
        self.until(lambda: len(self.received) >= size)
        self.consumed = getattr(self, "consumed", 0)
        self.until(lambda: len(self.received) >= self.consumed + size)
        self.consumed += size
        return self.received[self.consumed - size : self.consumed]

    def close(self):
        """Waits for the end, and says DONE where the other side waits for it."""
        self.until(lambda: self.finished or self.over)
        self.send(["RST"], payload=b"\0")
        self.socket.close()

    def until(self, condition):
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(condition)
            if self.una <= len(self.sending) + self.ended:
                self.send_next()
            self.receive()

    def send_next(self):
        """Sends what was not acknowledged, as much as one segment may carry."""
        if self.una == 0:
            syn = {
                "maxDatagramSize": SIZE,
                "initialWindow": 65_536,
                "socketMemory": 212_992,
                "cookie": self.cookie,
            }
            self.send(["SYN"], seq=0, payload=self.sending[:1000], syn=syn)
            return
        at = self.una - 1
        payload = self.sending[at : min(at + 1000, self.edge - 1)]
        fin = self.ended and at + len(payload) == len(self.sending)
        self.send(["PSH", "FIN"] if fin else ["PSH"], seq=self.una, payload=payload)

    def send(self, flags, seq=None, payload=b"", **parts):
        segment = {
            "flags": [*flags, "FLOOR"],
            "connectionId": self.id,
            "packetNumber": self.number,
            "floor": max(self.floor, self.number - 1000),
            "seq": self.una if seq is None else seq,
            "payload": payload.hex(),
            **parts,
        }
        if self.opened and "RST" not in flags and "path" not in parts:
            segment["flags"].append("ACK")
            segment["ack"] = {
                "ack": self.ack,
                "window": 65_536,
                "ackDelay": 0,
                "blocks": self.blocks(),
            }
        if "syn" in parts:
            segment["padding"] = SIZE - len(encode(segment))
        self.number += 1
        self.socket.send(encode(segment))

    def blocks(self):
        ranges = []
        for number in sorted(self.numbers, reverse=True):
            if ranges and ranges[-1][0] == number + 1:
                ranges[-1][0] = number
            else:
                ranges.append([number, number + 1])
        return ranges[:8]

    def receive(self):
        try:
            segment = decode(self.socket.recv(65_536))
        except (Malformed, TimeoutError):
            return
        flags = set(segment["flags"])
        if segment["connectionId"] != self.id or self.over:
            return
        if "cookie" in segment.get("path", {}):
            self.cookie = segment["path"]["cookie"]
        elif "RST" in flags:
            self.over = True
            if not self.finished:
                raise ConnectionResetError(segment["payload"])
        elif "PATH" in flags:
            if segment["path"]["kind"] == 0:
                answer = {"kind": 1, "challenge": segment["path"]["challenge"]}
                self.send(["PATH"], path=answer)
        elif self.opened or flags >= {"SYN", "ACK"} and segment["ack"]["ack"] > 0:
            self.take(segment, flags)

    def take(self, segment, flags):
        self.opened = True
        if "SYN" in flags:
            self.edge = max(self.edge, 1 + segment["syn"]["initialWindow"])
        if "ACK" in flags:
            ack = segment["ack"]
            self.una = max(self.una, ack["ack"])
            self.edge = max(self.edge, ack["ack"] + ack["window"])
        self.numbers.add(segment["packetNumber"])
        payload = bytes.fromhex(segment["payload"])
        start = segment["seq"] + ("SYN" in flags)
        if payload:
            self.pieces[start] = payload
        if "FIN" in flags:
            self.peer_fin = start + len(payload)
        for at in sorted(self.pieces):
            known = 1 + len(self.received)
            if at <= known:
                self.received += self.pieces.pop(at)[known - at :]
        if payload or flags & {"SYN", "FIN", "PSH"}:
            self.send([])
