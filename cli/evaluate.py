"""`gengraph evaluate`."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gengraph.cli.given import Given, Within, read_given
from gengraph.cli.links import LinksAsked, evaluate_links, takes_links
from gengraph.cli.options import Address, CpusPerWorker, DataDir, Seed, Workers, names, takes_policy
from gengraph.cli.output import TextFormat, plain_table, show_as_text, show_json
from gengraph.cli.workers import workers_session
from gengraph.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from gengraph.graphs import GraphSet
    from gengraph.graphs.collection import Policy
    from gengraph.graphs.pieces import Spread
    from gengraph.metrics import DescribedSet, Uncertainty
    from gengraph.metrics.descriptions import ReadPart

COLUMNS = ("protocol", "statistic", "mmd²", "floor", "ratio", "interval", "p (Holm)")


@takes_policy
@takes_links
def evaluate(
    policy: "Policy",
    links: LinksAsked | None,
    reference: Annotated[
        str | None,
        typer.Argument(metavar="REFERENCE", help="Real graphs: a file, a folder of shards, or the name of a data set."),
    ] = None,
    generated: Annotated[str | None, typer.Argument(metavar="GENERATED", help="Generated graphs, likewise.")] = None,
    protocol: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="emd (GraphRNN 2018), tv (GRAN 2019), rbf, pgd (PolyGraph 2025); several separated by commas. Or molecules.",
        ),
    ] = "emd",
    statistics: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Some of the protocol's, separated by commas.")
    ] = None,
    train: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Training graphs: the floor, and what is new against them.")
    ] = None,
    novelty: Annotated[bool, typer.Option("--novelty", help="Count unique and new graphs; needs --train.")] = False,
    valid: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Count valid ones too: grid, ladder, tree, lobster, planar, community, sbm."),
    ] = None,
    permutations: Annotated[int, typer.Option(min=0, metavar="INT", help="Permutations for a p-value, 10000 say.")] = 0,
    bootstrap: Annotated[int, typer.Option(min=0, metavar="INT", help="Bootstrap samples for an interval, 1000 say.")] = 0,
    max_graphs: Annotated[
        int, typer.Option(min=0, metavar="INT", help="Estimate what differs for more graphs from so many, 20000 say.")
    ] = 0,
    keep: Annotated[
        bool,
        typer.Option(
            "--cache/--no-cache", help="Keep what statistics of these graphs took long in the user's cache, for the next time."
        ),
    ] = True,
    given: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MIN..MAX|class=NAME",
            help="Of the real graphs and those of --train, those of a class or with a property in a range. May be repeated.",
        ),
    ] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Compare nodes and edges alone, without labels and directions.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Reproduce the quirks of the original programs.")] = False,
    output: TextFormat = "table",
    data_dir: DataDir = None,
    workers: Workers = 0,
    seed: Seed = 0,
    cpus_per_worker: CpusPerWorker = 1.0,
    address: Address = None,
) -> None:
    """Compare generated graphs with real ones by squared MMD; lower is better.

    The floor is what more real graphs would get: the training set's value with --train, else an estimate. With --links a model
    is trained on 85% of the edges of one graph instead, and area under the ROC curve, average precision and accuracy say how
    well its scores tell 10% (test) and 5% (validation) of them from as many other pairs.

    Examples:

      gengraph evaluate runs/grid-graphrnn/data/test.parquet samples/grid

      gengraph evaluate test.g6 generated.g6 --train train.g6 --valid planar

      gengraph evaluate runs/e/data/test.parquet samples/3 --train runs/e/data/train.parquet --given class=3

      gengraph evaluate qm9 molecules.smi --protocol molecules

      gengraph evaluate --links citeseer --model vgae --seeds 10
    """
    if links is not None:
        _check_alone(reference)
        evaluate_links(links, policy, data_dir, seed=seed, output=output)
        return
    reference, generated = _both(reference, generated)
    from gengraph.cli.progress import download_bar
    from gengraph.data import load_parts
    from gengraph.metrics import DescribedSet, Uncertainty
    from gengraph.metrics.cache import DescriptorCache
    from gengraph.sampling.conditions import Conditions

    if "molecules" in names(protocol):
        if names(protocol) != ["molecules"]:
            msg = f"--protocol molecules has metrics of its own and stands alone, got {protocol}; run the command twice"
            raise InputError(msg)
        from gengraph.cli.molecules import Asked, evaluate_molecules

        asked = Asked(
            reference=reference,
            generated=generated,
            train=train,
            policy=policy,
            data_dir=data_dir,
            max_molecules=max_graphs,
            seed=seed,
            keep=keep,
        )
        evaluate_molecules(asked, output)
        return
    if (valid or novelty) and not train:
        msg = "--novelty and --valid count what is new against the training graphs; name these with --train"
        raise InputError(msg)
    _check_names(names(protocol), valid)
    asked_for = read_given(given or [], None)
    Conditions(within=asked_for[1])  # refuses what is no range
    if "pgd" in names(protocol) and output not in ("table", "json"):
        msg = f"pgd is no squared MMD and has no column in {output}; use table or json"
        raise InputError(msg)
    paths = {"reference": reference, "generated": generated, "train": train}
    with download_bar() as report:
        graphs = {
            name: load_parts(path, data_dir=data_dir, report=report, policy=policy)
            for name, path in paths.items()
            if path is not None
        }
    if given:
        graphs |= {name: [partial(_chosen, graphs[name], *asked_for)] for name in graphs.keys() - {"generated"}}
    uncertainty = Uncertainty(num_permutations=permutations, num_bootstrap=bootstrap, seed=seed, max_graphs=max_graphs)
    chosen = names(statistics) if statistics else None
    cache = DescriptorCache.of_user() if keep else None
    with workers_session(workers, {"CPU": cpus_per_worker}, address):
        spread = _watched(_spread(workers, cpus_per_worker))
        sets = {name: DescribedSet(_bared(parts, bare), spread=spread, cache=cache) for name, parts in graphs.items()}
        results = _compare(sets, names(protocol), chosen, strict=strict, uncertainty=uncertainty)
        if valid or novelty:
            from gengraph.metrics import novelty as count

            counts = count(sets["train"].graphs, sets["generated"].graphs, valid=valid, spread=spread).to_dict()
            results = [{**result, "novelty": counts} for result in results]
    if output == "json":
        show_json(results[0] if len(results) == 1 else results)
    elif output == "table":
        _show(results)
    else:
        show_as_text(output, COLUMNS, _rows(results), num_text=2)


def _check_names(protocols: Sequence[str], valid: str | None) -> None:
    """Refuse names that nothing has before anything is read."""
    from gengraph.metrics.protocols import PROTOCOLS
    from gengraph.metrics.validity import VALIDITY

    known = [*PROTOCOLS, "pgd", "molecules"]
    unknown = next((name for name in protocols if name not in known), None)
    if unknown is not None:
        msg = f"unknown protocol {unknown!r}; choose from {', '.join(known)}"
        raise InputError(msg)
    if valid is not None and valid not in VALIDITY:
        msg = f"unknown validity test {valid!r}; choose from {', '.join(VALIDITY)}"
        raise InputError(msg)


def _check_alone(reference: str | None) -> None:
    if reference is not None:
        msg = f"--links takes one graph and compares it with nothing, got {reference} besides; leave that out"
        raise InputError(msg)


def _both(reference: str | None, generated: str | None) -> tuple[str, str]:
    if reference is None or generated is None:
        msg = f"Missing argument {'REFERENCE' if reference is None else 'GENERATED'}: name real graphs and generated ones"
        raise InputError(msg)
    return reference, generated


def _chosen(parts: "Sequence[ReadPart]", given: Given, within: Within) -> "GraphSet":
    """The graphs of a set that are what is given."""
    from gengraph.graphs import GraphSet
    from gengraph.rewards.conditions import having

    return having(GraphSet.concatenate(read() for read in parts), given, within)


def _bared(parts: "Sequence[ReadPart]", bare: bool) -> "list[ReadPart]":
    """What reads the same graphs, without labels if these are not wanted."""
    return [partial(_bare, read) for read in parts] if bare else list(parts)


def _bare(read: "ReadPart") -> "GraphSet":
    return read().bare()


def _compare(
    sets: "dict[str, DescribedSet]",
    protocols: Sequence[str],
    statistics: list[str] | None,
    *,
    strict: bool,
    uncertainty: "Uncertainty",
) -> list[dict[str, Any]]:
    """The comparison under each protocol, JSON-ready; descriptors are computed once for all."""
    from gengraph.metrics import evaluate as compare

    return [
        _discrepancy(sets)
        if name == "pgd"
        else compare(
            sets["reference"],
            sets["generated"],
            name,
            statistics=statistics,
            train=sets.get("train"),
            strict=strict,
            uncertainty=uncertainty,
        ).to_dict()
        for name in protocols
    ]


def _discrepancy(sets: "dict[str, DescribedSet]") -> dict[str, Any]:
    """The PolyGraph discrepancy, and that of the training graphs as its floor."""
    from gengraph.cli.progress import busy
    from gengraph.metrics.pgd import DESCRIPTORS

    reference, train = sets["reference"], sets.get("train")
    for part in sets.values():
        for name in DESCRIPTORS.values():
            part.distinct(name)
    with busy("fitting classifiers"):
        return _classified(reference, train, sets["generated"])


def _classified(reference: "DescribedSet", train: "DescribedSet | None", generated: "DescribedSet") -> dict[str, Any]:
    from gengraph.metrics import discrepancy

    found = discrepancy(reference, generated, repeats=10)
    floor = None if train is None else discrepancy(reference, train, repeats=10).to_dict()
    return {"protocol": "pgd", "classifier": "logistic regression", **found.to_dict(), "floor": floor}


def _watched(spread: "Spread") -> "Spread":
    """The same with a bar, and the time that is left, where there are several pieces."""
    from gengraph.cli.progress import counting_bar

    def apply(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        listed, done = list(items), []
        if len(listed) < 2:
            return list(spread(function, listed))
        with counting_bar("comparing", len(listed), "pieces") as advance:
            advance(0)
            for result in spread(function, listed):
                done.append(result)
                advance(1)
        return done

    return apply


def _spread(workers: int, cpus: float) -> "Spread":
    """Where statistics are computed: here, or on the Ray that this process is connected to."""
    if workers == 0:
        return map
    from gengraph.distributed.score import ray_map

    return ray_map(workers, cpus)


def _rows(results: list[dict[str, Any]]) -> list[list[str]]:
    """The texts under COLUMNS; p-values are corrected over all of them."""
    from gengraph.metrics import holm

    metrics = [(result["protocol"], name, metric) for result in results for name, metric in result.get("metrics", {}).items()]
    tested = [metric["p_value"] for _, _, metric in metrics if metric["p_value"] is not None]
    corrected = iter(holm(tested)) if tested else iter(())
    return [
        [
            protocol,
            name,
            _number(metric["mmd2"]) + (f" (of {metric['max_graphs']})" if metric["max_graphs"] else ""),
            _number(metric["floor"]),
            _number(metric["ratio"]),
            "-" if metric["interval"] is None else "{} .. {}".format(*map(_number, metric["interval"])),
            "-" if metric["p_value"] is None else _number(float(next(corrected))),
        ]
        for protocol, name, metric in metrics
    ]


def _show(results: list[dict[str, Any]]) -> None:
    from gengraph.cli.progress import results as results_console

    console = results_console()
    squared = [result for result in results if "metrics" in result]
    if squared:
        _show_mmd(console, squared)
    for result in results:
        if result["protocol"] == "pgd":
            _show_pgd(console, result)
    _show_counts(console, results[0].get("novelty", {}))


def _show_mmd(console: "Console", results: list[dict[str, Any]]) -> None:
    rows, first = _rows(results), results[0]
    floor = f"the {first['num_train']} training graphs" if first["num_train"] else "estimated from the real graphs"
    shown = [i for i in range(len(COLUMNS)) if any(row[i] != "-" for row in rows)]
    console.print(
        f"squared MMD of {first['num_generated']} generated against {first['num_reference']} real graphs; floor: {floor}"
    )
    console.print(plain_table([COLUMNS[i] for i in shown], [[row[i] for i in shown] for row in rows], left=COLUMNS[:2]))


def _show_pgd(console: "Console", result: dict[str, Any]) -> None:
    floor = result["floor"]
    console.print(f"PolyGraph discrepancy by {result['classifier']} between {result['num_compared']} graphs each, 0 to 1")
    held_out = [[name, _number(score), _number(floor and floor["scores"][name])] for name, score in result["scores"].items()]
    texts = ["{:.3g} by {}".format(part["pgd"], part["descriptor"]) if part else "-" for part in (result, floor)]
    halves = ["{mean:.3g} ± {deviation:.2g}".format(**part) if part else "-" for part in (result, floor)]
    rows = [*held_out, ["all", *texts], [f"all, {result['repeats']} halves", *halves]]
    console.print(plain_table(["descriptor", "pgd", "floor"][: 3 if floor else 2], [row[: 3 if floor else 2] for row in rows]))


def _show_counts(console: "Console", novelty: dict[str, Any]) -> None:
    for name in ("valid", "unique", "novel", "valid_unique_novel"):
        share = novelty.get(name)
        if share:
            percent, low, high = (100 * x for x in (share["count"] / share["total"], share["low"], share["high"]))
            label = name.replace("_", ", ")
            console.print(f"{label}: {share['count']} of {share['total']}, {percent:.1f}% ({low:.1f} .. {high:.1f}%)")
    if novelty.get("unknown"):
        typer.echo(f"{novelty['unknown']} graphs could not be told apart in time: unique and new are lower bounds")
    if novelty.get("approximate"):
        console.print("The test of validity fits a model: an approximation.")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
