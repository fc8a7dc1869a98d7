"""What holds for every test."""

from hypothesis import settings

# A loaded machine makes an example slow, not wrong; what hangs is ended by pytest-timeout.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
