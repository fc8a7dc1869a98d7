"""The cores are pure: no I/O, clock, randomness, logging, environment, async."""

import ast

from tests.architecture.source import Module, imports, modules

PURE_STDLIB = {
    "__future__", "abc", "array", "base64", "binascii", "bisect", "collections", "collections.abc", "contextlib",
    "dataclasses", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math",
    "operator", "re", "struct", "types", "typing", "urllib.parse", "ipaddress", "string", "textwrap",
}  # fmt: skip
PURE_OURS = ("backfuture_common.domain", "backfuture_common.messages", "backfuture_common.errors")
PURE_LIBRARIES = {"msgspec"}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "id", "hash"}


def pure_modules() -> list[Module]:
    return [
        module
        for module in modules()
        if "core" in module.path.parts or module.name.startswith(("libs/common/backfuture_common/domain/",
                                                                 "libs/common/backfuture_common/messages/"))
    ]  # fmt: skip


def test_there_are_cores_to_check() -> None:
    packages = {module.package for module in pure_modules()}
    assert {"backfuture_engine", "backfuture_connector", "backfuture_paper", "backfuture_common"} <= packages


def test_a_core_imports_only_what_is_pure() -> None:
    wrong = [
        f"{module.name}: {name}"
        for module in pure_modules()
        for node, name in imports(module)
        if not (
            name in PURE_STDLIB
            or name.split(".")[0] in PURE_LIBRARIES
            or name.startswith(PURE_OURS)
            or name.startswith(f"{module.package}.core")
            or module.allows(node, "impure")
        )
    ]
    assert not wrong, wrong


def test_a_core_has_no_async_and_calls_nothing_impure() -> None:
    wrong = []
    for module in pure_modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Global | ast.Nonlocal):
                wrong.append(f"{module.name}:{node.lineno} {type(node).__name__}")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
                wrong.append(f"{module.name}:{node.lineno} {node.func.id}()")
    assert not wrong, wrong


def test_a_core_makes_no_money_of_floats() -> None:
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in pure_modules()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
        if not module.allows(node, "float")
    ]
    assert not wrong, wrong
