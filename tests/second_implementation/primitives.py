"""What the handshake and the records are made of: RFC 5869, 7748, 8446 and AES-GCM."""

import hashlib
import hmac


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hkdf_extract(salt, secret):
    return hmac.digest(salt, secret, "sha256")


def hkdf_expand_label(secret, label, context, length):
    """RFC 8446, section 7.1, with its prefix."""
    name = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name
    info += bytes([len(context)]) + context
    output, block = b"", b""
    for count in range(1, 256):
        if len(output) >= length:
            return output[:length]
        block = hmac.digest(secret, block + info + bytes([count]), "sha256")
        output += block
    raise ValueError(length)


def derive_secret(secret, label, *messages):
    return hkdf_expand_label(secret, label, sha256(*messages), 32)


def x25519(private, public=None):
    """RFC 7748, section 5; the public key of `private` unless another is given."""
    p = 2**255 - 19
    u = 9 if public is None else int.from_bytes(public, "little") % 2**255
    k = int.from_bytes(private, "little") & ~7 & (2**255 - 1) | 2**254
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % p, c * b % p
        aa, bb = a * a % p, b * b % p
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % p, u * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def _sbox():
    box, p, q = [0x63] * 256, 1, 1
    rotate = lambda value, by: (value << by | value >> 8 - by) & 0xFF
    while True:
        p = p ^ (p << 1) & 0xFF ^ (0x1B if p & 0x80 else 0)
        q = q ^ q << 1 & 0xFF
        q = q ^ q << 2 & 0xFF
        q = q ^ q << 4 & 0xFF
        q = q ^ (0x09 if q & 0x80 else 0)
        box[p] = q ^ rotate(q, 1) ^ rotate(q, 2) ^ rotate(q, 3) ^ rotate(q, 4) ^ 0x63
        if p == 1:
            return box


SBOX = _sbox()


def _double(value):
    return value << 1 & 0xFF ^ (0x1B if value & 0x80 else 0)


class Aes256:
    """FIPS 197, one block at a time, and not in constant time: for tests."""

    def __init__(self, key):
        words, rcon = [list(key[at : at + 4]) for at in range(0, 32, 4)], 1
        for index in range(8, 60):
            word = words[-1]
            if index % 8 == 0:
                word = [SBOX[byte] for byte in word[1:] + word[:1]]
                word[0] ^= rcon
                rcon = _double(rcon)
            elif index % 8 == 4:
                word = [SBOX[byte] for byte in word]
            words.append([a ^ b for a, b in zip(word, words[-8])])
        self.keys = [sum(words[at : at + 4], []) for at in range(0, 60, 4)]

    def encrypt(self, block):
        state = [a ^ b for a, b in zip(block, self.keys[0])]
        for round_number in range(1, 15):
            state = [SBOX[state[(5 * at) % 16]] for at in range(16)]
            if round_number < 14:
                state = sum((self.mix(state[at : at + 4]) for at in range(0, 16, 4)), [])
            state = [a ^ b for a, b in zip(state, self.keys[round_number])]
        return bytes(state)

    @staticmethod
    def mix(column):
        every = column[0] ^ column[1] ^ column[2] ^ column[3]
        pairs = zip(column, column[1:] + column[:1])
        return [a ^ every ^ _double(a ^ b) for a, b in pairs]


class AesGcm:
    """NIST SP 800-38D, with a nonce of 12 bytes and a tag of 16."""

    def __init__(self, key):
        self.aes = Aes256(key)
        self.h = int.from_bytes(self.aes.encrypt(bytes(16)), "big")

    def seal(self, nonce, plaintext, data):
        ciphertext = self._counter(nonce, plaintext)
        return ciphertext + self._tag(nonce, ciphertext, data)

    def open(self, nonce, sealed, data):
        ciphertext, tag = sealed[:-16], sealed[-16:]
        if not hmac.compare_digest(tag, self._tag(nonce, ciphertext, data)):
            return None
        return self._counter(nonce, ciphertext)

    def _counter(self, nonce, text):
        blocks = (len(text) + 15) // 16
        stream = (self.aes.encrypt(nonce + (2 + n).to_bytes(4, "big")) for n in range(blocks))
        return bytes(a ^ b for a, b in zip(text, b"".join(stream)))

    def _tag(self, nonce, ciphertext, data):
        padded = lambda part: part + bytes(-len(part) % 16)
        lengths = (8 * len(data)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
        hashed, value = padded(data) + padded(ciphertext) + lengths, 0
        for at in range(0, len(hashed), 16):
            value = self._times_h(value ^ int.from_bytes(hashed[at : at + 16], "big"))
        mask = self.aes.encrypt(nonce + (1).to_bytes(4, "big"))
        return bytes(a ^ b for a, b in zip(value.to_bytes(16, "big"), mask))

    def _times_h(self, x):
        product, v = 0, self.h
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                product ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
        return product
