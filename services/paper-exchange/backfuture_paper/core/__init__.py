"""The exchange itself, without I/O: money, books, matching, keys, price paths, wire encoding."""
