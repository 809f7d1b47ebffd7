"""What a reader must know of the numbers in a table, in words: made from results.json alone."""

from collections.abc import Iterator
from typing import Any

from gengraph.benchmarks.molecules import MOLECULES
from gengraph.benchmarks.results import FEWEST
from gengraph.models.registry import LISTED
from gengraph.tables import counted

Results = dict[str, Any]


def notes_of(results: Results, protocol: str) -> Iterator[str]:
    """What a reader must know of the numbers, a paragraph each."""
    yield from _notes_of_molecules(results) if protocol == MOLECULES else _notes_of_mmd(results, protocol)
    if models := list(describe_models(results)):
        yield f"Models: {'; '.join(models)}."
    if results["datasets"] and protocol != MOLECULES:
        yield f"Graphs: {'; '.join(describe_sets(results))}."
    for number, source in enumerate(sources_of(results, protocol), start=1):
        yield f"[{number}] published, not measured here (other splits and samples): {source}."


def _notes_of_mmd(results: Results, protocol: str) -> Iterator[str]:
    fits = len(results["settings"]["seeds"])
    half = "half of the 95% bootstrap interval"
    spread = f"the standard deviation over {fits} fits, of a single one {half}" if fits > 1 else half
    yield f"Squared MMD between samples and test graphs under the {protocol} protocol, lower is better; ± {spread}."
    yield (
        "train set: the floor, the training graphs against the test graphs. ratio: mean of MMD² over that floor, with its 95% "
        "interval. The interval of the train set is what chance does: as many other real graphs would get a ratio within it 95 "
        "times in 100. So a model within it, below 1 too, is as good as real graphs as far as these test graphs can tell, and "
        "not better; one below it is a reason to doubt."
    )
    yield (
        "size: squared MMD of the numbers of nodes (rbf). valid, unique, novel, all three (v.u.n.): % of the samples. Bold: "
        f"significantly below every other model that makes new graphs (5%, Holm; never with fewer than {FEWEST} test graphs)."
    )


def _notes_of_molecules(results: Results) -> Iterator[str]:
    fits = len(results["settings"]["seeds"])
    half = "of shares half of the 95% interval (Wilson), of distances and QED of that of the bootstrap"
    spread = f"the standard deviation over {fits} fits; of what has one fit, {half}" if fits > 1 else half
    yield (
        "Samples against test molecules by canonical SMILES without stereo. valid: % of the samples, unique: % of the valid, "
        "novel: % of the unique that are no training molecule. FCD (Frechet ChemNet distance), logP, SA, QED and weight "
        "(Wasserstein distances): lower is better. fragments, scaffolds: cosine of their counts, 1 is best. diversity: 1 less "
        f"the mean similarity. ± {spread}."
    )
    yield (
        "train set: the floor, as many training molecules against the test molecules; nothing is marked as best. The FCD of "
        "few molecules is larger: compare rows with equal numbers. Models of structure alone draw no elements: no values."
    )
    tests = {part["name"]: part["num_test"] for part in results["datasets"]}
    for cell in results["cells"]:
        if cell["kind"] == "floor" and cell.get(MOLECULES):
            real, name = cell[MOLECULES]["real"], cell["dataset"]
            versions = ", ".join(f"{package} {number}" for package, number in real["versions"].items())
            of_all = f"{real['num_reference']} of {counted(tests[name], 'test molecule')} (seed {real['seed']})"
            yield f"{name}: {of_all}; {cell['num_graphs']} training molecules as the floor; {versions}."


def sources_of(results: Results, protocol: str) -> list[str]:
    """Where the published rows of a protocol come from, as they are numbered."""
    return list(dict.fromkeys(row["citation"] for row in results["published"] if row["protocol"] == protocol))


def describe_models(results: Results) -> Iterator[str]:
    """What stands behind the short name of each of gengraph's models in the table."""
    for name in dict.fromkeys(row["model"] for row in results["rows"] if row["kind"] == "model" and row["model"] in LISTED):
        yield f"{name} = {LISTED[name].summary}"


def describe_sets(results: Results) -> list[str]:
    """How many graphs stand behind the numbers of each data set."""
    counts = {row["dataset"]: row["num_graphs"] for row in reversed(results["rows"]) if not row["error"]}
    counts |= {row["dataset"]: row["num_graphs"] for row in reversed(results["rows"]) if row.get("sample_seconds") is not None}
    return [
        f"{part['name']}: {counted(part['num_test'], 'test graph')} against {counts.get(part['name'], 0)}"
        for part in results["datasets"]
    ]


def describe_reading(results: Results) -> list[str]:
    """What reading changed in each data set and in outside samples, or had to be told to leave behind."""
    readings = [(part["name"], part["reading"]) for part in results["datasets"]]
    readings += [(f"{cell['model']} ({cell['source']})", cell["reading"]) for cell in results["cells"] if "reading" in cell]
    return [
        f"{name}: " + ", ".join(f"{kind} {reading['policy'][kind]} ({count})" for kind, count in reading["found"].items())
        for name, reading in readings
        if reading.get("found")
    ]


def failures(results: Results) -> list[str]:
    """One line for each cell that failed."""
    return [f"{failed['dataset']}, {failed['model']}: {failed['error']}" for failed in results["failures"]]


def describe_machine(results: Results) -> str:
    """Command, seeds, budget, machine and versions in a line."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    machine = results["machine"]
    about = f"{describe_fits(results)}; {counted(machine['cpus'], 'CPU')} ({machine['processor']}); {versions}."
    return f"`{results['command']}`; {about}"


def describe_fits(results: Results) -> str:
    """Seeds and the time for each fit."""
    settings = results["settings"]
    tuned = f" after {counted(settings['tune'], 'setting')} tried for as long" if settings["tune"] else ""
    return f"seed {', '.join(map(str, settings['seeds']))}; {settings['budget']:g} s to fit a learned model{tuned}"
