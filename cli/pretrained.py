"""`gengraph pretrained`, and how other commands find a ready-made model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.guard import guarded
from gengraph.cli.help import Command, group
from gengraph.cli.options import Checkpoint, DataDir, RunsDir
from gengraph.cli.output import Format, plain_table, show_json

if TYPE_CHECKING:
    from gengraph.zoo.stored import ReadyMade

READY_MADE = "A ready-made model: a name from `gengraph pretrained`, a file, or an address with #sha256=..."

pretrained = group(invoke_without_command=True)


def ready_made(name: str, data_dir: Path | None) -> "ReadyMade":
    """A ready-made model, downloaded if its file is not here."""
    from gengraph.cli.progress import download_bar
    from gengraph.zoo import load_ready_made

    with download_bar("reading the model") as report:
        return load_ready_made(name, data_dir=data_dir, report=report)


@pretrained.callback()
@guarded
def listing(context: typer.Context, output: Format = "table") -> None:
    """List the ready-made models, look into one, or make one of a run.

    ratio is the squared MMD of samples to the validation graphs over that of the training graphs, the geometric mean over the
    statistics, none below 1: at 1 they are as good as more real graphs. licence is that of the data.

    Examples:

      gengraph pretrained

      gengraph pretrained show grid

      gengraph sample --pretrained grid -n 100 --out samples/grid

      gengraph train --from-pretrained grid --dataset my_graphs.jsonl
    """
    if context.invoked_subcommand is not None:
        return
    from dataclasses import asdict

    from gengraph.cli.progress import results
    from gengraph.zoo import catalogue

    if output == "json":
        show_json({name: asdict(entry) for name, entry in catalogue().items()})
        return
    columns = ("name", "model", "kB", "ratio", "licence")
    rows = [
        (name, entry.model, str(round(entry.num_bytes / 1000)), f"{entry.ratio:.2g}", entry.licence)
        for name, entry in catalogue().items()
    ]
    results().print(plain_table(columns, rows, left=("name", "model", "licence"), wrap=("licence",)))


@pretrained.command(cls=Command)
@guarded
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help=READY_MADE)], data_dir: DataDir = None, output: Format = "table"
) -> None:
    """Show the card of a ready-made model: its data, how it was trained, and how good it is.

    Example:

      gengraph pretrained show grid
    """
    made = ready_made(name, data_dir)
    if output == "json":
        show_json(made.about)
    else:
        typer.echo(made.card)


@pretrained.command(cls=Command)
@guarded
def pack(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write, NAME.safetensors.")],
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Of the data, for the card.")] = "",
    checkpoint: Annotated[
        Checkpoint | None, typer.Option(help="By default the best, or the last where none was evaluated.")
    ] = None,
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Make one file of what a run has trained, to be sampled from elsewhere.

    It holds the weights in half precision, config, facts and card. Its path, or its address with the hash that is printed,
    stands wherever the name of a ready-made model does.

    Example:

      gengraph pretrained pack grid-graphrnn --out grids.safetensors --licence CC0
    """
    from gengraph.cli.progress import busy
    from gengraph.errors import InputError

    if out.suffix != ".safetensors":
        msg = f"--out must end in .safetensors, got {out}; choose another name"
        raise InputError(msg)
    from gengraph.zoo.pack import pack_run

    with busy("drawing graphs and comparing them"):
        made = pack_run(runs_dir / run, out, licence=licence, checkpoint=checkpoint)
    typer.echo(f"{out}: {out.stat().st_size / 1000:.0f} kB, {made.about['quality']['ratio']:.3g} times the floor")
    typer.echo(f"address: https://.../{out.name}#sha256={made.sha256}")
