"""``python -m backfuture_key_vault``: the two services, and the commands that prepare what they need."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn, get_args

import msgspec
from backfuture_common.domain.ids import ExchangeId
from backfuture_common.errors import PlatformError

from backfuture_key_vault.callers import Role, make_caller
from backfuture_key_vault.files import private_folder
from backfuture_key_vault.hardening import harden
from backfuture_key_vault.openbao import Places, create_service_secrets, prepare, wait_ready
from backfuture_key_vault.provision import apply
from backfuture_key_vault.vault.transport import Address


def main() -> NoReturn:
    """Run the command of the process's arguments. Commands exit 0, or 1 with one line on stderr."""
    arguments = _parser().parse_args()
    harden()
    if arguments.command in {"intake", "dispense"}:
        from backfuture_key_vault.bootstrap import run_service  # noqa: PLC0415  (the commands start without the web part)

        run_service(arguments.command)
    try:
        arguments.run(arguments)
    except PlatformError as error:
        sys.stderr.write(f"{error}" + (f" ({error.info.hint})" if error.info.hint else "") + "\n")
        sys.exit(1)
    sys.exit(0)


def _prepare_openbao(arguments: argparse.Namespace) -> None:
    folder = arguments.dir.absolute()
    places = Places(folder, arguments.secrets_dir.absolute(), (arguments.socket or folder / "bao.sock").absolute())
    prepare(places, arguments.tcp_port, arguments.cluster_port)
    answer = {"addr": places.address, "config": str(places.config)}
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")


def _wait_ready(arguments: argparse.Namespace) -> None:
    address = Address.parse(arguments.addr, arguments.ca_file)
    wait_ready(address, arguments.secrets_dir, arguments.dir, arguments.timeout_s)


def _make_caller(arguments: argparse.Namespace) -> None:
    exchange = ExchangeId(arguments.exchange) if arguments.exchange else None
    make_caller(arguments.role, exchange, arguments.token_file, arguments.callers_file)


def _bootstrap_vault(arguments: argparse.Namespace) -> None:
    """The operator's token comes on stdin: an argument would be visible to every process."""
    private_folder(arguments.secrets_dir)
    create_service_secrets(arguments.secrets_dir)
    token = sys.stdin.readline().strip()
    apply(Address.parse(arguments.addr, arguments.ca_file), token, arguments.secrets_dir)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="backfuture-key-vault")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("intake", help="run the write-only side")
    commands.add_parser("dispense", help="run the side that leases and signs")

    prepare_command = commands.add_parser("prepare-openbao", help="write the embedded server's files")
    prepare_command.add_argument("--dir", type=Path, required=True, help="configuration, data and audit log")
    prepare_command.add_argument("--secrets-dir", type=Path, required=True, help="seal key, secret ids, pepper")
    prepare_command.add_argument("--socket", type=Path, help="default: bao.sock in --dir")
    prepare_command.add_argument("--tcp-port", type=int, required=True, help="metrics only")
    prepare_command.add_argument("--cluster-port", type=int, required=True)
    prepare_command.set_defaults(run=_prepare_openbao)

    ready_command = commands.add_parser("wait-ready", help="wait until both services can use the vault")
    ready_command.add_argument("--addr", required=True, help="unix:///path/of/socket or https://host:port")
    ready_command.add_argument("--ca-file", type=Path)
    ready_command.add_argument("--secrets-dir", type=Path, required=True)
    ready_command.add_argument("--dir", type=Path, help="of prepare-openbao: ends its first start")
    ready_command.add_argument("--timeout-s", type=float, default=60.0)
    ready_command.set_defaults(run=_wait_ready)

    caller_command = commands.add_parser("make-caller", help="give a service its token")
    caller_command.add_argument("--role", choices=get_args(Role), required=True)
    caller_command.add_argument("--exchange", help="of a connector")
    caller_command.add_argument("--token-file", type=Path, required=True, help="for the caller")
    caller_command.add_argument("--callers-file", type=Path, required=True, help="for the socket it calls")
    caller_command.set_defaults(run=_make_caller)

    vault_command = commands.add_parser("bootstrap-vault", help="set up a server that is already initialised")
    vault_command.add_argument("--addr", required=True, help="https://host:port")
    vault_command.add_argument("--ca-file", type=Path)
    vault_command.add_argument("--secrets-dir", type=Path, required=True, help="where the secret ids go")
    vault_command.set_defaults(run=_bootstrap_vault)
    return parser


if __name__ == "__main__":
    main()
