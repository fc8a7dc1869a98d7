"""User administration."""

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from backfuture_gateway.http.dependencies import AdminDep, RequestKeyDep, ServicesDep
from backfuture_gateway.http.errors import refusals
from backfuture_gateway.users import repository, service
from backfuture_gateway.users.schemas import UserCreate, UserOut

router = APIRouter(prefix="/users", tags=["users"])


@router.get("", responses=refusals(401, 403))
async def list_users(_admin: AdminDep, services: ServicesDep) -> list[UserOut]:
    """Return all users (administrators only)."""
    async with services.db.read() as session:
        return [UserOut.model_validate(user) for user in await repository.list_all(session)]


@router.post("", status_code=201, response_model=UserOut, responses=refusals(400, 401, 403, 409))
async def create_user(body: UserCreate, _admin: AdminDep, services: ServicesDep, key: RequestKeyDep) -> Response:
    """Make a user (administrators only). Capitals in the name do not count."""
    password_hash = await services.passwords.hash(body.password.get_secret_value())

    async def work(session: AsyncSession) -> UserOut:
        user = await service.create(
            session, services.clock, name=body.name, password_hash=password_hash, role=body.role
        )
        return UserOut.model_validate(user)

    return await services.requests.once(services.db, key, 201, work)
