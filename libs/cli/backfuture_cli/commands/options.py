"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="State folder; default BACKFUTURE_HOME or ./.backfuture.")
]
BasePort = Annotated[int | None, typer.Option(help="First of the ports; the parts count from it. Default 8700.")]
