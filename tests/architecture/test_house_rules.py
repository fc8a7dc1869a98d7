"""House rules that a tree walk can see."""

import ast

from tests.architecture.source import modules

MAX_LINES = 400


def test_modules_are_one_idea_long() -> None:
    wrong = [f"{m.name}: {len(m.lines)} lines" for m in modules() if len(m.lines) > MAX_LINES]
    assert not wrong, wrong


def test_every_module_says_what_it_is() -> None:
    wrong = [m.name for m in modules() if m.lines and not ast.get_docstring(m.tree)]
    assert not wrong, wrong


def test_every_task_has_an_owner() -> None:
    """``asyncio.create_task`` and ``ensure_future`` lose exceptions; a TaskGroup does not."""
    wrong = []
    for module in modules():
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            stray = (
                node.func.attr == "create_task" and owner in {"asyncio", "loop"}
            ) or node.func.attr == "ensure_future"
            if stray and not module.allows(node, "task"):
                wrong.append(f"{module.name}:{node.lineno}")
    assert not wrong, wrong


def test_nothing_is_swallowed() -> None:
    """A handler for everything must raise, or say why not: ``# arch: catch-all - reason``."""
    wrong = []
    for module in modules():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            )
            raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            if broad and not raises and not module.allows(node, "catch-all"):
                wrong.append(f"{module.name}:{node.lineno}")
    assert not wrong, wrong


def test_the_runtime_alone_reads_the_environment() -> None:
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if not module.name.startswith(("libs/common/backfuture_common/runtime/", "libs/cli/"))
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and not module.allows(node, "environment")
    ]
    assert not wrong, wrong
