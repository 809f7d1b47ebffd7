"""Families of graphs that no preset was made for, and what `--model auto` makes of them.

`python -m gengraph.benchmarks.choosing --out results` generates 200 graphs of each family by networkx, tries the models, trains
the chosen one and the model that takes any graphs for two CPU minutes in one thread, and compares samples with the held-out
test graphs: under protocol `tv` the squared MMD over the floor, the training graphs against the same test graphs. The line of
each training goes to `OUT/choosing.jsonl`; one that has a line is not run again. `--table` prints.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from gengraph.benchmarks.ratios import ratios_of
from gengraph.benchmarks.studies import read_lines
from gengraph.data import Split, split_graphs
from gengraph.graphs import GraphSet
from gengraph.metrics import evaluate
from gengraph.sampling.attempts import first_graphs
from gengraph.tables import to_markdown
from gengraph.training.choosing import Trial, best_trial, try_models
from gengraph.training.config import Config, usual_config
from gengraph.training.trainer import Trainer, prepare_graphs

NUM_GRAPHS, NUM_SAMPLES = 200, 200
TRIAL_SHARE = 0.1  # of the CPU seconds of the training
ANY = "graphrnn-c"
LAW = "fresh graphs of the law"  # what the best of models could come to
_LENGTH = {"steps": None, "clock": "cpu"}
Rng = np.random.Generator


def _caterpillar(num_nodes: int, rng: Rng) -> Any:
    spine = num_nodes // 2
    graph = nx.path_graph(spine)
    graph.add_edges_from((leaf, int(rng.integers(spine))) for leaf in range(spine, num_nodes))
    return graph


def _stacked_triangulation(num_nodes: int, rng: Rng) -> Any:
    """Apollonian: each new node divides a triangle, any of those there are."""
    graph, faces = nx.complete_graph(3), [(0, 1, 2), (0, 1, 2)]
    for new in range(3, num_nodes):
        a, b, c = faces.pop(int(rng.integers(len(faces))))
        graph.add_edges_from([(new, a), (new, b), (new, c)])
        faces += [(a, b, new), (a, c, new), (b, c, new)]
    return graph


def _caves(num_nodes: int, rng: Rng) -> Any:
    graph = nx.relaxed_caveman_graph(num_nodes // 8, 8, 0.1, seed=_seed(rng))
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    return graph


def _seed(rng: Rng) -> int:
    return int(rng.integers(2**31))


FAMILIES: dict[str, Callable[[int, Rng], Any]] = {
    "watts-strogatz": lambda n, rng: nx.connected_watts_strogatz_graph(n, 4, 0.1, seed=_seed(rng)),
    "power-law cluster": lambda n, rng: nx.powerlaw_cluster_graph(n, 2, 0.5, seed=_seed(rng)),
    "stacked triangulations": _stacked_triangulation,
    "barabasi-albert": lambda n, rng: nx.barabasi_albert_graph(n, 2, seed=_seed(rng)),
    "random regular": lambda n, rng: nx.random_regular_graph(3, n + n % 2, seed=_seed(rng)),
    "random geometric": lambda n, rng: nx.random_geometric_graph(n, 0.2, seed=_seed(rng)),
    "random trees": lambda n, rng: nx.random_labeled_tree(n, seed=_seed(rng)),
    "caterpillars": _caterpillar,
    "relaxed caves": _caves,
}


def family(name: str) -> Split:
    """The parts of a family's 200 graphs with 40 to 80 nodes (one more of 3-regular graphs with an odd number)."""
    return split_graphs(_graphs(name, NUM_GRAPHS, np.random.default_rng([7, *name.encode()])), seed=0)


def _graphs(name: str, count: int, rng: Rng) -> GraphSet:
    sizes = rng.integers(40, 81, size=count).tolist()
    return GraphSet.from_networkx([FAMILIES[name](n, rng) for n in sizes], attributes="drop")


def carry_out(name: str, seed: int, minutes: float) -> Iterator[dict[str, Any]]:
    """What the model that takes any graphs, the chosen one (once where they are the same) and fresh graphs come to."""
    import torch

    torch.set_num_threads(1)
    split = family(name)
    length = {**_LENGTH, "budget": 60 * minutes * TRIAL_SHARE}
    how: dict[str, Any] = {"length": length, "times": 1 / TRIAL_SHARE, "seed": seed}
    trials = list(try_models(split.train, split.validation, first_graphs, **how))
    chosen = best_trial(trials)
    about = {"family": name, "seed": seed, "minutes": minutes, "trials": [_outcome(trial) for trial in trials]}
    settings: dict[str, Any]
    for model, settings in {ANY: (ANY, {}), chosen.name: (chosen.model, dict(chosen.settings))}.values():
        config = usual_config(model).with_values(settings).trained(**_LENGTH, budget=60 * minutes, seed=seed)
        which = {"model": model, "settings": settings, "chosen": (model, settings) == (chosen.model, chosen.settings)}
        yield about | which | train(config, split)
    fresh = _graphs(name, NUM_SAMPLES, np.random.default_rng([8, seed, *name.encode()]))
    yield about | {"model": LAW, "settings": {}, "chosen": False, "steps": 0} | _judged(fresh, split)


def _outcome(trial: Trial) -> tuple[str, float | None]:
    """The model and its distance, or that which is to be expected."""
    return (trial.name, trial.distance) if trial.expected is None else (f"{trial.name} in the end", trial.expected)


def train(config: Config, split: Split) -> dict[str, Any]:
    """Train and judge the last checkpoint."""
    graphs, facts = prepare_graphs(split.train, config)
    held_out, kept = config.own_family.select(split.validation, config.model), list[Any]()
    Trainer(config, facts, graphs, held_out).run(lambda metrics: None, kept.append)
    return {"steps": kept[-1].step} | _judged(first_graphs(kept[-1].build_model(), NUM_SAMPLES), split)


def _judged(samples: GraphSet, split: Split) -> dict[str, Any]:
    found, floors = (evaluate(split.test, graphs, "tv").metrics for graphs in (samples, split.train))
    return {
        "nodes": [float(samples.num_nodes.mean()), float(split.test.num_nodes.mean())],
        "mmd2": {statistic: metric.mmd2 for statistic, metric in found.items()},
        "floor": {statistic: metric.mmd2 for statistic, metric in floors.items()},
    }


def table(lines: list[dict[str, Any]]) -> str:
    """Markdown: a row a training, at the end the geometric means of what takes any graphs and of what was chosen."""
    rows, statistics = [], list(lines[0]["mmd2"])
    for line in lines:
        tried = ", ".join(f"{name} {distance:.2g}" for name, distance in line["trials"] if distance) or "none other"
        name = " ".join([line["model"], *map(str, line["settings"].values())])
        name = f"**{name}**" if line["chosen"] else name
        rows.append([line["family"], tried, name, *(_cell(line, name) for name in statistics), _mean([line])])
    for name, members in (
        (f"all, {ANY}", [line for line in lines if line["model"] == ANY and not line["settings"]]),
        ("all, chosen", [line for line in lines if line["chosen"]]),
    ):
        rows.append([name, "", "", *(_mean(members, [name]) for name in statistics), _mean(members)])
    return to_markdown(["family", "distance in the trial", "model", *statistics, "mean"], rows, num_text=3)


def _cell(line: dict[str, Any], statistic: str) -> str:
    """The ratio to the floor; where that is 0 the squared MMD itself."""
    ratio = ratios_of(line["mmd2"], line["floor"])[statistic]
    return f"{line['mmd2'][statistic]:.1g} (floor 0)" if ratio is None else f"{ratio:.2g}"


def _mean(lines: list[dict[str, Any]], statistics: list[str] | None = None) -> str:
    """The geometric mean of the ratios that there are, none counted as less than a tenth."""
    found = (ratios_of(line["mmd2"], line["floor"]) for line in lines)
    kept = [max(0.1, ratio) for ratios in found for name, ratio in ratios.items() if ratio and name in (statistics or ratios)]
    return f"{np.exp(np.mean(np.log(kept))):.2g}" if kept else "-"


def main() -> None:
    """Carry out what has no line yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the lines")
    parser.add_argument("--families", type=lambda text: text.split(","), default=list(FAMILIES), help="only these")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches, orderings and samples")
    parser.add_argument("--minutes", type=float, default=2.0, help="CPU minutes of a training; a tenth for each trial")
    parser.add_argument("--table", action="store_true", help="print the table of the lines there are; run nothing")
    options = parser.parse_args()
    path = options.out / "choosing.jsonl"
    if options.table:
        print(table(read_lines(path)), end="")
        return
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.families:
        asked = {"family": name, "seed": options.seed, "minutes": options.minutes}
        if any(line | asked == line for line in read_lines(path)):
            continue
        for line in carry_out(name, options.seed, options.minutes):
            print(f"{name}: {line['model']}, {_mean([line])} times the floor", flush=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
