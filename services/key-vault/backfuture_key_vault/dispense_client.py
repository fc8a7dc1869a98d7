"""How intake tells dispense to end leases."""

from pathlib import Path

from backfuture_common.domain.ids import ConnectionId

from backfuture_key_vault.files import read_private_text
from backfuture_key_vault.vault.transport import Address, Reply, checked_socket, exchange

_TIMEOUT_S = 1.0


class DispenseClient:
    """Speaks to the dispense socket with intake's own token."""

    def __init__(self, socket: Path, token_file: Path) -> None:
        self._address = Address(checked_socket(socket), "localhost", 0, None)
        self._token = read_private_text(token_file)

    def drop(self, connection: ConnectionId) -> bool:
        """End all leases of the connection now; False when dispense could not be told. Blocking, at most a second."""
        outcome = exchange(
            self._address,
            "DELETE",
            f"connections/{connection}/leases",
            token=self._token,
            timeout_s=_TIMEOUT_S,
        )
        return isinstance(outcome, Reply) and outcome.status == 200
