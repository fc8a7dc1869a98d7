"""An OpenBao and a pair of key-vault processes for the tests that break nothing, a second set for the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from tests.support.key_vault import KeyVault
from tests.support.openbao import OpenBao, short_folder

_numbers = count(1)


@contextmanager
def running_key_vault() -> Iterator[KeyVault]:
    with short_folder() as folder:
        bao = OpenBao(folder)
        key_vault = KeyVault(folder, bao)
        try:
            bao.start()
            key_vault.make_callers()
            key_vault.start()
            yield key_vault
        finally:
            key_vault.stop()
            bao.stop()


@pytest.fixture(scope="session")
def key_vault() -> Iterator[KeyVault]:
    with running_key_vault() as running:
        yield running


@pytest.fixture(scope="session")
def _breakable() -> Iterator[KeyVault]:
    with running_key_vault() as running:
        yield running


@pytest.fixture
def breakable(_breakable: KeyVault) -> KeyVault:
    """A second set, for tests that kill, seal or freeze something; whole again at the start of each."""
    _breakable.repair()
    return _breakable


@pytest.fixture
def connection() -> str:
    """An id no other test uses."""
    return f"conn_{next(_numbers)}"
