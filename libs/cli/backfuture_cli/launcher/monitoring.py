"""Prometheus as a part of the platform on one machine, with the rules that operators get."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from backfuture_cli.exits import CliError, Exit
from backfuture_cli.launcher.home import Home, write_atomically
from backfuture_cli.launcher.part import Part
from backfuture_cli.launcher.readiness import answers_ok

RULES = Path(__file__).resolve().parents[1] / "deploy" / "rules"
_EVERY = "2s"
"""One machine, a dozen processes: often enough to watch them live."""
_KEPT = "15d"


def prometheus(home: Home, port: int, binary: Path | None, targets: Mapping[str, str]) -> Part:
    """Return the part and write its configuration; :class:`CliError` when there is no Prometheus on this machine.

    ``targets`` are the addresses of the parts by name; each becomes the label ``process``.
    """
    program = str(binary) if binary else shutil.which("prometheus")
    if program is None:
        raise CliError(
            "PROMETHEUS=1 wants Prometheus, and it is not installed here",
            "on Debian: apt-get install prometheus; or name it: BACKFUTURE_PROMETHEUS_BINARY",
            exit_code=Exit.BAD_INPUT,
        )
    file = home.prometheus / "prometheus.yml"
    home.prometheus.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(file, json.dumps(configuration(targets), indent=2))  # JSON is YAML
    return Part(
        name="prometheus",
        title="Prometheus",
        command=(
            program, f"--config.file={file}", f"--storage.tsdb.path={home.prometheus}/data",
            f"--storage.tsdb.retention.time={_KEPT}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
        ),
        environment={},
        probe=answers_ok(f"http://127.0.0.1:{port}/-/ready"),
        ports={"http": port},
    )  # fmt: skip


def configuration(targets: Mapping[str, str]) -> dict[str, object]:
    """Return Prometheus' configuration: every part on this machine, and the platform's rules."""
    return {
        "global": {"scrape_interval": _EVERY, "evaluation_interval": _EVERY},
        "rule_files": [f"{RULES}/*.yml"],
        "scrape_configs": [
            {
                "job_name": "backfuture",
                "static_configs": [
                    {"targets": [url.removeprefix("http://")], "labels": {"process": name}}
                    for name, url in targets.items()
                ],
            }
        ],
    }
