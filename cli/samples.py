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
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder that `gengraph sample` wrote: a path, or s3://...")],
) -> None:
    """Read every shard of a sample again and compare its content with the manifest.

    Example:

      gengraph samples verify samples/grid
    """
    from gengraph.cli.progress import busy
    from gengraph.sampling.shards import verify_folder
    from gengraph.storage import Folder

    with busy("reading every shard"):
        manifest = verify_folder(Folder(folder))
    shards = counted(len(manifest["shards"]), "shard")
    typer.echo(f"{counted(manifest['num_graphs'], 'graph')} in {shards}, every hash is right: {folder}")
