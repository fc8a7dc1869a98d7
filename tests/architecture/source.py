"""The repository's own modules as syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {
    package.name: package
    for top in ("libs", "services")
    for package in sorted((ROOT / top).glob("*/backfuture_*"))
    if package.is_dir() and not package.name.endswith(".egg-info")
}


@dataclass(frozen=True)
class Module:
    package: str
    path: Path
    tree: ast.Module
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    def allows(self, node: ast.AST, rule: str) -> bool:
        """Say whether the node's line carries the escape ``# arch: rule - reason``."""
        line: int = getattr(node, "lineno", 1)
        return f"# arch: {rule} - " in self.lines[line - 1]


@cache
def modules() -> tuple[Module, ...]:
    return tuple(_modules())


def _modules() -> Iterator[Module]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text()
            yield Module(package, path, ast.parse(text), tuple(text.splitlines()))


def imports(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield each imported module's dotted name with its node, imports inside functions too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module
