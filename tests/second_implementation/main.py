#!/usr/bin/env python3
"""A second implementation of ferry's segments and secure channel.

It is written from lib/protocol/README.md and lib/secure/README.md, with nothing but
Python's standard library: what it does not understand the specifications do not say.
CPace is left out, for ristretto255 would be longer than all the rest; a handshake in
code mode is checked from its ISK on.

    main.py vectors               runs the JSON vectors of both specifications
    main.py talk PORT MODE TEXT   sends TEXT to an echo at 127.0.0.1, in plain or
                                  encrypted mode, and prints as JSON what came back
"""

import json
import os
import sys

import secure
from connection import Connection
from primitives import x25519
from segments import Malformed, decode, encode


def load(path):
    with open(path) as file:
        return json.load(file)


def check(name, actual, expected):
    if actual != expected:
        sys.exit(f"{name}: expected {expected}, got {actual}")


def run_segments():
    vectors = load("tests/protocol/vectors/segments.json")
    for vector in vectors:
        datagram = bytes.fromhex(vector["datagram"])
        try:
            segment, verdict = decode(datagram), "good"
        except Malformed as malformed:
            segment, verdict = None, str(malformed)
        check(vector["name"], verdict, vector["verdict"])
        if segment:
            check(vector["name"], segment, vector["segment"])
            if vector.get("canonical", True):
                check(vector["name"], encode(segment).hex(), vector["datagram"])
    return len(vectors)


def run_handshakes():
    vectors = load("tests/secure/vectors/handshakes.json")
    for vector in vectors:
        private_key = bytes.fromhex(vector["client"]["privateKey"])
        nonce = bytes.fromhex(vector["client"]["nonce"])
        hellos = [bytes.fromhex(vector[name]) for name in ("clientHello", "serverHello")]
        client = secure.Client(private_key, nonce, bytes.fromhex(vector["psk"]))
        if vector["mode"] == "encrypted":
            check("HELLO", client.hello, hellos[0])
            client.receive_hello(hellos[1])
            check("ASKS", client.asks, vector["asks"])
        else:
            client.commitment = hellos[1][7:39]
            client.finish(x25519(private_key, hellos[1][39:71]), tuple(hellos))
        check("FINISHED", client.finished.hex(), vector["clientFinished"])
        words = client.receive_finished(bytes.fromhex(vector["serverFinished"]))
        if vector["mode"] == "encrypted":
            check("words", words, vector["words"])
        check("binding", client.binding.hex(), vector["binding"])
        secrets = {name: secret.hex() for name, secret in client.secrets.items()}
        check("secrets", secrets, vector["secrets"])
        data = secure.Records(client.secrets["clientApplication"])
        sealed = data.seal(secure.DATA, vector["text"].encode())
        check("DATA", sealed.hex(), vector["data"])
    return len(vectors)


def run_records():
    vectors = load("tests/secure/vectors/records.json")
    for vector in vectors:
        records = secure.Records(bytes.fromhex(vector["secret"]), vector["recordsPerKey"])
        for record in vector["records"]:
            opened = records.open(bytes.fromhex(record["record"]))
            content = opened and opened[1].hex()
            check(vector["name"], content, record["content"])
    return len(vectors)


def talk(port, mode, text):
    encrypted = mode == "encrypted"
    client = secure.Client(os.urandom(32), os.urandom(32))
    plain_hello = secure.record(secure.HELLO, bytes([secure.VERSION, secure.PLAIN]))
    connection = Connection(("127.0.0.1", port), client.hello if encrypted else plain_hello)
    header = connection.read(4)
    hello = header + connection.read(int.from_bytes(header[1:], "big"))
    said, result = text.encode(), {}
    if encrypted:
        connection.write(client.receive_hello(hello))
        result["words"] = client.receive_finished(connection.read(68))
        sending = secure.Records(client.secrets["clientApplication"])
        receiving = secure.Records(client.secrets["serverApplication"])
        connection.write(sending.seal(secure.DATA, said) + sending.seal(secure.END))
        connection.close_write()
        echo, kind = b"", secure.DATA
        while kind != secure.END:
            header = connection.read(4)
            body = connection.read(int.from_bytes(header[1:], "big"))
            kind, content = receiving.open(header + body)
            echo += content
    else:
        check("HELLO", hello[:6].hex(), "110000030200")
        connection.write(said)
        connection.close_write()
        echo = connection.read(len(said))
    connection.close()
    print(json.dumps({**result, "echo": echo.decode()}))


if __name__ == "__main__":
    if sys.argv[1] == "talk":
        talk(int(sys.argv[2]), *sys.argv[3:])
    else:
        counts = run_segments(), run_handshakes(), run_records()
        print("%d segments, %d handshakes, %d records" % counts)
