"""Which orders follow from a fact."""

from backfuture_common.messages.journal import Fact, OrderIntended
from backfuture_common.messages.orders import OrderCommand


def commands_for(fact: Fact) -> tuple[OrderCommand, ...]:
    """Return the commands to send because of this fact: nothing is ever sent for another reason."""
    return (fact.command,) if isinstance(fact, OrderIntended) else ()
