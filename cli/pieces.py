"""`gengraph pieces`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gengraph.cli.data import one_graph
from gengraph.cli.options import DataDir, takes_policy
from gengraph.errors import InputError
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy


@takes_policy
def pieces(
    graph: Annotated[str, typer.Argument(metavar="GRAPH", help="One graph: a file, a data set, or a folder that grow wrote.")],
    policy: "Policy",
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder.")],
    max_size: Annotated[int, typer.Option("--max-size", min=2, metavar="INT", help="Nodes of the largest piece.")] = 100,
    data_dir: DataDir = None,
) -> None:
    """Part one very large graph into small ones that any model can learn, and the links between them.

    Pieces are components and communities; their nodes are labelled by the number of links that leave. Train a model on
    FOLDER/pieces.parquet, draw pieces from it, and `gengraph grow FOLDER --model pieces` makes one large graph of them.

    Example:

      gengraph pieces friends.edgelist --max-size 60 --out parted
    """
    from gengraph.cli.progress import busy
    from gengraph.large.parting import PIECES, part

    if out.exists():
        msg = f"{out} exists; choose another folder, or delete it"
        raise InputError(msg)
    read = one_graph(graph, data_dir, policy)
    with busy("parting"):
        parting = part(read, max_size=max_size, about={"graph": graph, "graph_hash": read.content_hash()})
    parting.write(out)
    num_pieces, links = counted(len(parting.pieces), "piece"), counted(len(parting.links), "link")
    share = len(parting.links) / max(len(read.edges), 1)
    typer.echo(f"{num_pieces}, and {links} between them, {share:.1%} of the edges: {out / PIECES}")
