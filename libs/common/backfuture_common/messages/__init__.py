"""What travels through the topics: frozen, versioned msgspec structs, one set of types for wire and core.

Every struct on a topic carries its name and version as JSON field ``type`` (``order.place.v1``).
Readers ignore fields they do not know; a changed meaning is a new version.
"""
