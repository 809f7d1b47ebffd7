"""`gengraph samples`."""

from typing import Annotated

import typer

from gengraph.cli.guard import guarded
from gengraph.cli.help import Command, group
from gengraph.tables import counted

samples = group(no_args_is_help=True)


@samples.callback()
def _samples() -> None:
    """Look after samples.

    Example:

      gengraph samples verify samples/grid
    """


@samples.command(cls=Command)
@guarded
def verify(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A folder that `gengraph sample` or `grow` wrote: a path, or s3://...")
    ],
) -> None:
    """Read every shard of a sample again and compare its content with the manifest.

    Example:

      gengraph samples verify samples/grid
    """
    from gengraph.cli.progress import busy
    from gengraph.large.folder import is_large, verify_edges
    from gengraph.sampling.shards import verify_folder
    from gengraph.storage import Folder

    place = Folder(folder)
    large = is_large(place)
    with busy("reading every shard"):
        manifest = verify_edges(place) if large else verify_folder(place)
    shards = counted(len(manifest["shards"]), "shard")
    what = counted(manifest["num_edges"], "edge") if large else counted(manifest["num_graphs"], "graph")
    typer.echo(f"{what} in {shards}, every hash is right: {folder}")
