"""The handshake of a client and the records, as lib/secure/README.md has them."""

import re

from primitives import AesGcm, derive_secret, hkdf_expand_label, hkdf_extract, sha256, x25519
from primitives import hmac

HELLO, FINISHED, REFUSE, DATA, END = range(0x11, 0x16)
VERSION, PLAIN, ENCRYPTED = 2, 0, 1
ZEROS = bytes(32)
WORD_LIST = "lib/secure/code/word_list.ts"


class Refused(Exception):
    """What came is not what the specification allows."""


def record(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def schedule(psk, shared, hellos, client_finished):
    """All secrets of a handshake, by the names of the specification."""
    early = hkdf_extract(ZEROS, psk)
    handshake = hkdf_extract(derive_secret(early, "derived"), shared)
    master = hkdf_extract(derive_secret(handshake, "derived"), ZEROS)
    until_finished = (*hellos, client_finished)
    return {
        "clientHandshake": derive_secret(handshake, "c hs traffic", *hellos),
        "serverHandshake": derive_secret(handshake, "s hs traffic", *hellos),
        "clientApplication": derive_secret(master, "c ap traffic", *until_finished),
        "serverApplication": derive_secret(master, "s ap traffic", *until_finished),
        "exporter": derive_secret(master, "exp master", *until_finished),
    }


def verify_data(traffic_secret, *messages):
    key = hkdf_expand_label(traffic_secret, "finished", b"", 32)
    return hmac.digest(key, sha256(*messages), "sha256")


def exported(exporter, label, context, length):
    secret = derive_secret(exporter, label)
    return hkdf_expand_label(secret, "exporter", sha256(context), length)


def session_words(exporter, server_finished):
    number = exported(exporter, "EXPORTER-ferry-session-words", server_finished, 4)
    number = int.from_bytes(number, "big")
    with open(WORD_LIST) as file:
        words = re.search("`(.*?)`", file.read().split("WORDS")[-1], re.S)[1].split()
    return [words[number >> 9 * place & 511] for place in range(3)]


class Client:
    """Encrypted mode, or the keys of a handshake whose PSK is known."""

    def __init__(self, private_key, nonce, psk=ZEROS):
        self.private_key, self.nonce, self.psk = private_key, nonce, psk
        start = bytes([VERSION, ENCRYPTED]) + sha256(nonce)
        self.hello = record(HELLO, start + x25519(private_key))

    def receive_hello(self, hello):
        """Takes the server's HELLO; gives FINISHED."""
        kind, body = hello[0], hello[4:]
        if kind != HELLO or len(body) != 67 or body[:2] != bytes([VERSION, ENCRYPTED]):
            raise Refused(f"HELLO {hello.hex()}")
        self.asks = bool(body[2] & 1)
        self.commitment = body[3:35]
        shared = x25519(self.private_key, body[35:67])
        if shared == ZEROS:
            raise Refused("the key share")
        return self.finish(shared, (self.hello, hello))

    def finish(self, shared, hellos):
        self.hellos = hellos
        early = schedule(self.psk, shared, hellos, b"")["clientHandshake"]
        proof = verify_data(early, *hellos, self.nonce)
        self.finished = record(FINISHED, self.nonce + proof)
        self.secrets = schedule(self.psk, shared, hellos, self.finished)
        self.binding = exported(self.secrets["exporter"], "EXPORTER-ferry-attempt", b"", 32)
        return self.finished

    def receive_finished(self, finished):
        """Takes the server's FINISHED; gives the session words."""
        kind, nonce, proof = finished[0], finished[4:36], finished[36:]
        secret, said = self.secrets["serverHandshake"], (*self.hellos, self.finished)
        if kind != FINISHED or len(finished) != 68:
            raise Refused(f"FINISHED {finished.hex()}")
        if not hmac.compare_digest(proof, verify_data(secret, *said, nonce)):
            raise Refused("the verify data")
        if sha256(nonce) != self.commitment:
            raise Refused("the nonce")
        return session_words(self.secrets["exporter"], finished)


class Records:
    """The records of one direction."""

    def __init__(self, secret, per_key=2**16):
        self.per_key = per_key
        self.use(secret)

    def use(self, secret):
        self.secret, self.count = secret, 0
        self.aead = AesGcm(hkdf_expand_label(secret, "key", b"", 32))
        self.iv = int.from_bytes(hkdf_expand_label(secret, "iv", b"", 12), "big")

    def next(self):
        if self.count == self.per_key:
            self.use(hkdf_expand_label(self.secret, "traffic upd", b"", 32))
        self.count += 1
        return (self.iv ^ self.count - 1).to_bytes(12, "big")

    def seal(self, kind, content=b""):
        nonce = self.next()
        header = bytes([kind]) + (len(content) + 16).to_bytes(3, "big")
        return header + self.aead.seal(nonce, content, header)

    def open(self, sealed):
        """The type and the content of a record; None if it is not the one that was sent."""
        header, body = sealed[:4], sealed[4:]
        kind, size = header[0], len(body)
        allowed = size == 16 if kind == END else kind == DATA and 16 < size <= 2**18 + 16
        if len(header) < 4 or not allowed or int.from_bytes(header[1:], "big") != size:
            return None
        nonce = self.next()
        content = self.aead.open(nonce, body, header)
        return None if content is None else (kind, content)
