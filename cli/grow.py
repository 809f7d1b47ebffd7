"""`gengraph grow`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.data import one_graph
from gengraph.cli.options import Address, CpusPerWorker, DataDir, Seed, Workers, takes_policy
from gengraph.cli.workers import resources, shards_writer, workers_session
from gengraph.errors import InputError
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.graphs.collection import Policy
    from gengraph.large.models import Fitted

_MODELS = (
    "er, chung-lu, configuration, dcsbm (communities), kronecker, ba, pieces (learned): docs/large.md says which keeps what."
)
_GRAPH = "One graph: a file, a data set, or a folder that grow wrote; for pieces the folder that `gengraph pieces` wrote."


@takes_policy
def grow(
    graph: Annotated[str, typer.Argument(metavar="GRAPH", help=_GRAPH)],
    policy: "Policy",
    model: Annotated[str, typer.Option(metavar="NAME", help=_MODELS)],
    out: Annotated[str, typer.Option(metavar="FOLDER", help="A new folder, or one to finish: a path, or s3://...")],
    size: Annotated[
        int | None, typer.Option("--size", min=2, metavar="INT", help="Nodes of the new graph; by default those of the graph.")
    ] = None,
    pieces: Annotated[
        str | None, typer.Option(metavar="GRAPHS", help="With --model pieces: those that a model trained on pieces has drawn.")
    ] = None,
    workers: Workers = 0,
    seed: Seed = 0,
    data_dir: DataDir = None,
    cpus_per_worker: CpusPerWorker = 1.0,
    address: Address = None,
) -> None:
    """Fit a model to one very large graph, and draw a graph like it into a folder of Parquet shards of edges.

    The edges never stand in memory all at once. They follow from the seed alone, on any number of workers, and run again after
    an interruption, the command draws only what is missing. docs/large.md says what is in the folder and how to open it.

    Examples:

      gengraph grow friends.edgelist --model dcsbm --out grown/friends

      gengraph grow friends.edgelist --model configuration --size 10000000 --workers 2 --out grown/ten-million

      gengraph grow parted --model pieces --pieces samples/drawn --out grown/of-pieces
    """
    from gengraph.cli.progress import counting_bar
    from gengraph.large.folder import grow_into
    from gengraph.storage import Folder

    if (model == "pieces") != (pieces is not None):
        msg = "--pieces GRAPHS and --model pieces belong together; give both or neither"
        raise InputError(msg)
    reading = _Reading(graph, policy, data_dir)
    fitted, about = _of_pieces(reading, pieces, size, seed) if pieces else _fitted(reading, model, size, seed)
    folder, per_worker = Folder(out), resources(cpus_per_worker, 0.0)
    try:
        with workers_session(workers, per_worker, address):
            write_shards = shards_writer(workers, per_worker)
            with counting_bar("drawing", round(float(fitted.plan.expected.sum())), "edges") as report:
                manifest = grow_into(folder, fitted.plan, about, seed=seed, write_shards=write_shards, report=report)
    except KeyboardInterrupt:
        msg = f"Finished shards stay in {out}; the same command draws the others."
        raise KeyboardInterrupt(msg) from None
    _show(manifest, out)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is read, and how."""

    graph: str
    policy: "Policy"
    data_dir: "Path | None"


def _fitted(reading: _Reading, model: str, size: int | None, seed: int) -> "tuple[Fitted, dict[str, Any]]":
    """The model, and what the manifest says of it."""
    from gengraph.cli.progress import busy
    from gengraph.large.models import fit_large

    read = one_graph(reading.graph, reading.data_dir, reading.policy)
    with busy(f"fitting {model}"):
        fitted = fit_large(model, read, num_nodes=size, seed=seed)
    about = {"model": model, "graph": reading.graph, "graph_hash": read.content_hash(), "parameters": fitted.parameters}
    return fitted, about


def _of_pieces(reading: _Reading, pieces: str, size: int | None, seed: int) -> "tuple[Fitted, dict[str, Any]]":
    """The plan of drawn pieces, and what the manifest says of it."""
    from gengraph.cli.progress import busy, errors
    from gengraph.data import load_dataset
    from gengraph.large.parting import Parting
    from gengraph.large.pieces import fit_pieces

    parting = Parting.read(Path(reading.graph))
    drawn = load_dataset(pieces, data_dir=reading.data_dir, policy=reading.policy)
    with busy("choosing and linking pieces"):
        fitted = fit_pieces(parting, drawn, num_nodes=size, seed=seed)
    lost = fitted.parameters["stubs_left_over"]
    if lost:
        ends = lost + 2 * fitted.parameters["links"]
        errors.print(f"{counted(lost, 'end')} of {ends} of links found no partner and are left out")
    about = {"model": "pieces", "graph": reading.graph, "graph_hash": parting.content_hash()}
    return fitted, {**about, "pieces": pieces, "pieces_hash": drawn.content_hash(), "parameters": fitted.parameters}


def _show(manifest: dict[str, Any], out: str) -> None:
    from gengraph.cli.progress import errors

    left_out = [counted(manifest[name], name.removesuffix("s")) for name in ("loops", "repetitions") if manifest[name]]
    if left_out:
        errors.print(f"{' and '.join(left_out)} left out")
    edges, shards = counted(manifest["num_edges"], "edge"), counted(len(manifest["shards"]), "shard")
    typer.echo(f"{counted(manifest['num_nodes'], 'node')} and {edges} in {shards}: {out}")
