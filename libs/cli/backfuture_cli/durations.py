"""Lengths of time in words."""


def duration(seconds: float) -> str:
    """Return a length of time in the two largest units: ``45 s``, ``3 m 20 s``, ``2 d 4 h``."""
    whole = int(seconds)
    for size, unit, smaller_size, smaller in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller_size} {smaller}"
    return f"{whole} s"
