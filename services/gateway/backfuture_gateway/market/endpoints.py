"""Exchanges and prices."""

from fastapi import APIRouter

from backfuture_gateway.http.dependencies import CallerDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.http.texts import PathId, QueryId
from backfuture_gateway.market.schemas import ExchangeOut, InstrumentOut, PriceOut

router = APIRouter(tags=["market"])


@router.get("/exchanges", responses=refusals(401))
async def list_exchanges(_caller: CallerDep, services: ServicesDep) -> list[ExchangeOut]:
    """Return the exchanges on which connections can be made here."""
    return await services.market.exchanges()


@router.get("/exchanges/{exchange}/instruments", responses=refusals(401))
async def list_instruments(exchange: PathId, _caller: CallerDep, services: ServicesDep) -> list[InstrumentOut]:
    """Return what an exchange lists, with smallest sizes and steps."""
    return await services.market.instruments(exchange)


@router.get("/prices", responses=refusals(401))
async def list_prices(_caller: CallerDep, services: ServicesDep, exchange: QueryId = None) -> list[PriceOut]:
    """Return the newest price of every watched market."""
    return services.market.prices(exchange)
