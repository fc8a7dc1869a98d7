"""Everything the endpoints need, in one place, made by the composition root."""

from dataclasses import dataclass

from backfuture_common.runtime.clock import Clock

from backfuture_gateway.accounts.service import AccountService
from backfuture_gateway.auth.passwords import Passwords
from backfuture_gateway.auth.service import AuthService
from backfuture_gateway.bots.service import BotService
from backfuture_gateway.connections.service import ConnectionService
from backfuture_gateway.db.engine import Database
from backfuture_gateway.decisions.service import DecisionService
from backfuture_gateway.events.stream import Broadcaster
from backfuture_gateway.fingerprints import Fingerprints
from backfuture_gateway.groups.service import GroupService
from backfuture_gateway.health.service import PlatformHealth
from backfuture_gateway.http.idempotency import Requests
from backfuture_gateway.market.service import MarketService
from backfuture_gateway.orders.service import OrderService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    db: Database
    clock: Clock
    fingerprints: Fingerprints
    requests: Requests
    passwords: Passwords
    auth: AuthService
    connections: ConnectionService
    bots: BotService
    groups: GroupService
    orders: OrderService
    decisions: DecisionService
    accounts: AccountService
    market: MarketService
    broadcaster: Broadcaster
    health: PlatformHealth
