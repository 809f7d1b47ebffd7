"""`gengraph samples`."""

from typing import Annotated

import typer

from gengraph.cli.guard import guarded

samples = typer.Typer(no_args_is_help=True)


@samples.callback()
def _samples() -> None:
    """Look after samples.

    Example:

      gengraph samples verify samples/grid
    """


@samples.command()
@guarded
def verify(folder: Annotated[str, typer.Argument(help="A folder that `gengraph sample` wrote: a path, or s3://...")]) -> None:
    """Read every shard of a sample again and compare its content with the manifest.

    Example:

      gengraph samples verify samples/grid
    """
    from gengraph.cli.progress import busy
    from gengraph.sampling.shards import verify_folder
    from gengraph.storage import Folder

    with busy("reading every shard"):
        manifest = verify_folder(Folder(folder))
    typer.echo(f"{manifest['num_graphs']} graphs in {len(manifest['shards'])} shards, every hash is right: {folder}")
