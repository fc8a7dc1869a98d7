"""Sockets and frames without a client library."""

import socket
import struct

from tests.support.broker import BrokerProcess


def connect(broker: BrokerProcess) -> socket.socket:
    host, port = broker.bootstrap.split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.settimeout(10)
    return connection


def frame(key: int, version: int, body: bytes) -> bytes:
    data = struct.pack(">hhih", key, version, 7, 4) + b"evil" + body
    return struct.pack(">i", len(data)) + data
