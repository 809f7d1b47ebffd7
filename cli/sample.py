"""`gengraph sample`."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gengraph.cli.data import read_start
from gengraph.cli.given import read_given
from gengraph.cli.models import model_help
from gengraph.cli.options import (
    Address,
    Checkpoint,
    CpusPerWorker,
    DataDir,
    GpusPerWorker,
    RunsDir,
    Seed,
    SplitSeed,
    Workers,
    duration,
    start_option,
    takes_policy,
)
from gengraph.cli.pretrained import READY_MADE, ready_made
from gengraph.cli.workers import resources, shards_writer, workers_session
from gengraph.errors import InputError
from gengraph.models.registry import LISTED
from gengraph.tables import counted

if TYPE_CHECKING:
    from gengraph.cli.fitted import Fit
    from gengraph.graphs.collection import Policy
    from gengraph.sampling.job import SampleRequest, ShardsWriter
    from gengraph.sampling.writing import CountReport
    from gengraph.storage import Folder
    from gengraph.zoo.stored import ReadyMade

_BUDGET = 60.0
_WISHES = "What the graphs shall be like"


@takes_policy
def sample(
    *,
    policy: "Policy",
    run: Annotated[str | None, typer.Option(metavar="RUN", help="The run to sample from.")] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=model_help("Or a model to fit first, to the graphs of --dataset:", LISTED)),
    ] = None,
    pretrained: Annotated[str | None, typer.Option(metavar="NAME|FILE|URL", help=f"Or: {READY_MADE}")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH", help="What --model is fitted to: its train and validation parts together, not the test part."
        ),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(parser=duration, metavar="TIME", help="Time to fit --model: 60s, 10m; by default 60s.")
    ] = None,
    checkpoint: Annotated[
        Checkpoint | None, typer.Option(help="Of --run: that of the best evaluation, or the newest; by default the best.")
    ] = None,
    out: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|FILE",
            help="A new folder for the Parquet shards, or one to finish: a path, or s3://...; or a file: molecules.smi.",
        ),
    ],
    num_graphs: Annotated[int, typer.Option("-n", "--num-graphs", min=1, metavar="INT", help="Graphs to sample.")] = 1000,
    temperature: Annotated[
        float,
        typer.Option(
            metavar="NUMBER",
            help="Divides the logits of edges: below 1 surer, above 1 more varied. Stopping is left alone.",
            rich_help_panel=_WISHES,
        ),
    ] = 1.0,
    num_nodes: Annotated[
        str | None,
        typer.Option(metavar="MIN..MAX", help="50..100, say: graphs of other sizes are rejected.", rich_help_panel=_WISHES),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE|NAME=MIN..MAX",
            help="A property, named as rewards are (`gengraph train --help`): a range is kept by rejection, with every model; "
            "a value, or class=NAME, is told to a model that was trained with it (model.conditions). May be repeated.",
            rich_help_panel=_WISHES,
        ),
    ] = None,
    components: Annotated[
        Literal["keep", "largest", "reject"],
        typer.Option(help="Keep all, take the largest, or reject graphs with several.", rich_help_panel=_WISHES),
    ] = "keep",
    unique: Annotated[bool, typer.Option("--unique", help="No two graphs are isomorphic.", rich_help_panel=_WISHES)] = False,
    novel_against: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="No graph is isomorphic to one of these: train (what was trained on), a data set or a file.",
            rich_help_panel=_WISHES,
        ),
    ] = None,
    stop: Annotated[
        Literal["model", "reference"],
        typer.Option(
            help="reference: run on, then delete nodes without an edge, as the 2018 code did.", rich_help_panel=_WISHES
        ),
    ] = "model",
    max_num_node: Annotated[
        int | None,
        typer.Option(
            metavar="INT",
            help="Cut sequences at so many nodes; by default twice the largest training graph.",
            rich_help_panel=_WISHES,
        ),
    ] = None,
    constraint: Annotated[
        Literal["none", "planar"],
        typer.Option(
            help="planar: take no edge that would cross another, whatever the model says (`gengraph models`).",
            rich_help_panel=_WISHES,
        ),
    ] = "none",
    denoising_steps: Annotated[
        int | None,
        typer.Option(
            metavar="INT",
            help="Fewer steps than a model that denoises was trained with: faster, coarser.",
            rich_help_panel=_WISHES,
        ),
    ] = None,
    start: Annotated[
        str | None,
        start_option("every drawn graph", _WISHES),
    ] = None,
    export: Annotated[
        str | None, typer.Option(metavar="SUFFIX", help="Also write every shard as g6, s6, jsonl, graphml, ...")
    ] = None,
    workers: Workers = 0,
    seed: Seed = 0,
    split_seed: SplitSeed = 0,
    shard_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="INT", help="Graphs in a shard; by default a sixteenth of all, from 500 to 10000."),
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    data_dir: DataDir = None,
    cpus_per_worker: CpusPerWorker = 1.0,
    gpus_per_worker: GpusPerWorker = 0.0,
    address: Address = None,
) -> None:
    """Sample graphs from a run, a ready-made model, or one that is fitted first, into a folder of Parquet shards.

    Run again after an interruption, it writes only what is missing. The same seed gives the same graphs with any number of
    workers and any shard size. docs/sampling.md says what is in the folder and how to open it.

    Examples:

      gengraph sample --pretrained grid -n 100 --out samples/grid

      gengraph sample --run grid-graphrnn -n 10000 --workers 2 --out samples/grid

      gengraph sample --run grid-graphrnn -n 500 --num-nodes 100..200 --components reject --out samples/large

      gengraph sample --run community-gran -n 1000 --given clustering=0.3 --given edges=40..60 --out samples/clustered

      gengraph sample --model kronecker --dataset grid -n 1000 --unique --out samples/kronecker

      gengraph sample --model gran --dataset grid --budget 10m -n 1000 --export g6 --out samples/gran

      gengraph sample --run qm9-graphrnn -n 10000 --out molecules.smi

      gengraph sample --run moses-molrnn -n 1000 --start "c1ccccc1" --out with-ring.smi
    """
    from gengraph.sampling.conditions import Conditions
    from gengraph.storage import Folder

    _check_mode(run, model, pretrained, dataset, budget=budget, checkpoint=checkpoint)
    told, within = read_given(given or [], num_nodes)
    conditions = Conditions(
        temperature=temperature,
        given=told,
        within=within,
        components=components,
        stop=stop,
        max_num_node=max_num_node,
        constraint=constraint,
        steps=denoising_steps,
        start=None if start is None else read_start(start, policy),
    )
    file = _single_file(out, export)
    place = out if file is None else str(file.with_name(f".{file.name}.shards"))
    if run is not None:
        from gengraph.runs.folders import read_run

        facts = read_run(runs_dir / run)["facts"]  # an error now, not after the import of torch
    from gengraph.models.family import labels_of
    from gengraph.sampling.job import SampleRequest

    request = SampleRequest(
        num_graphs=num_graphs,
        seed=seed,
        shard_size=shard_size,
        conditions=conditions,
        unique=unique,
        novel_against=novel_against,
        data_dir=data_dir,
    )
    device, folder = "cuda" if gpus_per_worker else "cpu", Folder(place)
    per_worker = resources(cpus_per_worker, gpus_per_worker)
    fit = None if model is None else _fit(model, str(dataset), data_dir, policy, split_seed, budget or _BUDGET, seed, device)
    ready = None if pretrained is None else ready_made(pretrained, data_dir)
    if file is not None or export:
        from gengraph.sampling.shards import check_form

        schema = fit.schema if fit is not None else labels_of(facts if ready is None else ready.checkpoint.facts)
        check_form(file or Path(f"shard.{export}"), schema)
    try:
        with workers_session(workers, per_worker, address):
            write_shards = shards_writer(workers, per_worker)
            if fit is not None:
                manifest = _of_fit(fit, folder, request, write_shards)
            elif ready is not None:
                manifest = _of_ready_made(ready, folder, request, device, write_shards)
            else:
                manifest = _of_run(runs_dir / str(run), folder, request, checkpoint, device, write_shards)
    except KeyboardInterrupt:
        msg = f"Finished shards stay in {place}; the same command writes the others."
        raise KeyboardInterrupt(msg) from None
    if export:
        from gengraph.sampling.shards import export_shards

        export_shards(folder, request.shards(), f".{export}")
    files = [] if file is None else _write_file(folder, request, file)
    _show(manifest, out, files)


def _single_file(out: str, export: str | None) -> Path | None:
    """The file that a name with the suffix of a format means; None for a folder, whose shards may be exported.

    Raises:
        InputError: a format that is not known, or needs a package that is missing; one file, and what it has no shards for.
    """
    from gengraph.sampling.shards import check_format

    if export:
        check_format(f".{export}")
    path = _file_of(out)
    if path is not None and path.exists():
        msg = f"{path} exists; choose another name, or remove it"
        raise InputError(msg)
    if path is not None and export:
        msg = f"--export copies the shards of a folder, {out} is one file; leave it out, or name a folder"
        raise InputError(msg)
    return path


def _file_of(out: str) -> Path | None:
    from gengraph.formats.codecs import writer_of
    from gengraph.formats.molecules import SUFFIXES

    path = Path(out)
    if "://" in out or path.is_dir():
        return None
    try:
        writer_of(path)
    except InputError:
        return None
    if path.suffix.lower() in SUFFIXES:
        import gengraph.chemistry  # noqa: F401 - says now what is to be installed
    return path


def _write_file(folder: "Folder", request: "SampleRequest", file: Path) -> list[Path]:
    """All shards as one file, or as one a graph where the format holds one, after which they are not needed."""
    from gengraph.cli.progress import busy
    from gengraph.formats import write_files
    from gengraph.graphs import GraphSet
    from gengraph.sampling.shards import read_shard

    with busy(f"writing {file.name}"):
        files = write_files(GraphSet.concatenate(read_shard(folder, shard).graphs for shard in request.shards()), file)
    folder.remove_all()
    return files


def _check_mode(
    run: str | None, model: str | None, ready: str | None, dataset: str | None, *, budget: float | None, checkpoint: str | None
) -> None:
    """One of the ways to sample, and nothing that belongs to another.

    Raises:
        InputError: several or none, or an option that would be ignored.
    """
    if sum(way is not None for way in (run, model, ready)) != 1 or (model is None) != (dataset is None):
        msg = "give --run NAME, or --model NAME with --dataset, or --pretrained NAME"
        raise InputError(msg)
    if model is None and budget is not None:
        msg = (
            "--budget is of --model, which is fitted first; a ready-made model or a run is trained already, leave --budget out"
        )
        raise InputError(msg)
    if run is None and checkpoint is not None:
        msg = "--checkpoint is of --run; other models have one state, leave --checkpoint out"
        raise InputError(msg)


def _fit(
    model: str,
    dataset: str,
    data_dir: Path | None,
    policy: "Policy",
    split_seed: int,
    budget: float,
    seed: int,
    device: str,
) -> "Fit":
    """What --model and --dataset say is fitted."""
    from gengraph.cli.data import read_split
    from gengraph.cli.fitted import Fit
    from gengraph.generators import GENERATORS
    from gengraph.graphs import GraphSet

    GENERATORS[model]  # an error now, not after the data is read
    split, record = read_split(dataset, data_dir, policy, split_seed)
    graphs = GraphSet.concatenate([split.train, split.validation])
    return Fit(model=model, graphs=graphs, record=record, budget=budget, seed=seed, device=device)


def _of_run(
    run: Path, folder: "Folder", request: "SampleRequest", checkpoint: str | None, device: str, write_shards: "ShardsWriter"
) -> dict[str, Any]:
    from gengraph.runs.sample import sample_run

    _say_checkpoint(run, checkpoint)
    with _counting(request) as report:
        return sample_run(run, folder, request, checkpoint=checkpoint, device=device, write_shards=write_shards, report=report)


def _of_ready_made(
    made: "ReadyMade", folder: "Folder", request: "SampleRequest", device: str, write_shards: "ShardsWriter"
) -> dict[str, Any]:
    from gengraph.sampling.job import sample_into

    with _counting(request) as report:
        return sample_into(
            folder,
            made.origin(device),
            request,
            train=lambda: made.training_graphs(request.data_dir),
            write_shards=write_shards,
            report=report,
        )


def _of_fit(fit: "Fit", folder: "Folder", request: "SampleRequest", write_shards: "ShardsWriter") -> dict[str, Any]:
    from gengraph.cli.fitted import fitted, sample_fitted

    with fitted(fit, folder, request) as path, _counting(request) as report:
        return sample_fitted(fit, path, folder, request, write_shards=write_shards, report=report)


def _counting(request: "SampleRequest") -> AbstractContextManager["CountReport"]:
    from gengraph.cli.progress import counting_bar

    return counting_bar("sampling", request.num_graphs, "graphs", before="importing and loading the model")


def _say_checkpoint(run: Path, which: str | None) -> None:
    """Say which of a run's checkpoints is sampled from, and how to have the other."""
    from gengraph.cli.progress import errors
    from gengraph.runs.folders import find_checkpoint, newest_checkpoint

    chosen, last = find_checkpoint(run, which), newest_checkpoint(run)
    about = "the last" if chosen == last else f"that of the best evaluation; --checkpoint last takes {last.name}, the last"
    errors.print(f"sampling from {chosen.name}, {about}")


def _show(manifest: dict[str, Any], out: str, files: list[Path]) -> None:
    from gengraph.cli.progress import errors

    num_graphs, graphs = manifest["num_graphs"], counted(manifest["num_graphs"], "graph")
    if manifest["num_attempts"] > num_graphs:
        errors.print(f"{num_graphs} of {manifest['num_attempts']} attempts were taken: {manifest['acceptance_rate']:.1%}")
    if manifest["num_cut"]:
        errors.print(f"{counted(manifest['num_cut'], 'graph')} cut at the most nodes allowed, without an end of their own")
    if not files:
        typer.echo(f"{graphs} in {counted(len(manifest['shards']), 'shard')}: {out}")
    else:
        typer.echo(f"{graphs}: {files[0]}" + (f" to {files[-1].name}" if len(files) > 1 else ""))
