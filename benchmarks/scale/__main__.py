"""Predict, measure and check: `python -m gengraph.benchmarks.scale predict sampling --workers 1,16,256`.

- predict: time, core hours and, with prices of yours, money for training (one pass over the graphs) and for sampling, at 10^3
  to 10^9 graphs, and for growing one graph of 10^7 to 10^10 edges, with 1 to 256 workers. Costs are those of
  benchmarks/scale/measured.json or of --costs FILE.
- measure: what the prediction rests on, on this machine; takes two minutes, and means something only while it is quiet. With
  --growing FILE only what growing rests on, the rest as in the file.
- check: training and sampling with 1, 2 and 4 workers here, beside what was predicted for them; growing with --edges INT.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from gengraph.benchmarks.scale.model import MEASURED, Cluster, Costs, Estimate, growing, sampling, sweep_sizes, training
from gengraph.errors import InputError
from gengraph.files import read_text, write_json
from gengraph.tables import to_markdown

WORKERS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
GRAPHS = [10**exponent for exponent in range(3, 10)]
EDGES = [10**exponent for exponent in range(7, 11)]
_MEAN_DEGREE = 20


def main() -> None:
    """Parse, and print a table or write a file."""
    options = parse()
    try:
        COMMANDS[options.command](options)
    except InputError as error:
        sys.exit(f"Error: {error}")


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict")
    predict.add_argument("what", choices=("training", "sampling", "growing"))
    predict.add_argument("--graphs", type=numbers, default=GRAPHS, help="1000,1000000 say; 1e6 will do")
    predict.add_argument("--edges", type=numbers, default=EDGES, help="of one large graph, mean degree 20")
    predict.add_argument("--workers", type=numbers, default=WORKERS)
    predict.add_argument("--cores", type=int, help="of the whole cluster; by default one for each worker")
    predict.add_argument("--batch", type=int, default=4, help="graphs of a worker in a step")
    predict.add_argument("--shard-size", type=int, default=10_000)
    predict.add_argument("--message-s", type=float, help="latency between machines, seconds; 1e-4 say")
    predict.add_argument("--bytes-per-s", type=float, help="bandwidth between machines")
    predict.add_argument("--price-core-hour", type=float, help="what a core costs you an hour; without it no money is named")
    predict.add_argument(
        "--price-gigabyte", type=float, default=0.0, help="what storing 10^9 bytes costs you, for as long as you do"
    )
    measure = commands.add_parser("measure")
    measure.add_argument("--out", type=Path, default=Path("measured.json"))
    measure.add_argument("--growing", type=Path, metavar="FILE", help="measure what growing costs; the rest is that of FILE")
    check = commands.add_parser("check")
    check.add_argument("--turns", type=int, default=3)
    check.add_argument("--edges", type=int, help="check the growing of one graph of so many, and nothing else")
    for command in (predict, check):
        command.add_argument("--costs", type=Path, default=MEASURED)
    return parser.parse_args()


def numbers(text: str) -> list[int]:
    """Whole numbers of a comma-separated list."""
    return [int(float(part)) for part in text.split(",")]


def predict(options: argparse.Namespace) -> None:
    """Print the table."""
    costs = Costs.read(options.costs)

    def estimate(cluster: Cluster, graphs: int) -> Estimate:
        if options.what == "growing":
            return growing(costs, cluster, edges=graphs, nodes=2 * graphs // _MEAN_DEGREE)
        if options.what == "sampling":
            return sampling(costs, cluster, graphs=graphs, shard_size=options.shard_size)
        batch = options.batch * cluster.workers
        return training(costs, cluster, steps=max(1, graphs // batch), batch=batch)

    def make(workers: int) -> Cluster:
        cores = workers if options.cores is None else options.cores
        return Cluster(workers=workers, cores=cores, message_s=options.message_s, bytes_per_s=options.bytes_per_s)

    rows = []
    what, sizes = ("edges", options.edges) if options.what == "growing" else ("graphs", options.graphs)
    for graphs, workers, cluster, found in sweep_sizes(estimate, options.workers, sizes, make):
        hours = found.core_hours(cluster)
        row = [f"{graphs:.0e}", str(workers), clock(found.wall_s), f"{found.start_s / found.wall_s:.0%}", f"{hours:.3g}"]
        row.append(f"{found.stored_bytes / 1e9:.3g}")
        if options.price_core_hour is not None:
            row.append(f"{hours * options.price_core_hour + found.stored_bytes / 1e9 * options.price_gigabyte:.2f}")
        rows.append(row)
    columns = [what, "workers", "time", "of it start", "core hours", "GB stored"]
    columns += ["money"] if options.price_core_hour is not None else []
    print(to_markdown(columns, rows, num_text=1), end="")


def clock(seconds: float) -> str:
    """Seconds as a person reads them."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def measure(options: argparse.Namespace) -> None:
    """Measure this machine, and write the file."""
    from gengraph.benchmarks.scale.growing import grow_costs
    from gengraph.benchmarks.scale.measure import measure_costs

    costs = (
        dataclasses.asdict(measure_costs()) if not options.growing else json.loads(read_text(options.growing)) | grow_costs()
    )
    write_json(options.out, costs)
    print(options.out)


def check(options: argparse.Namespace) -> None:
    """Run, and print measured beside predicted."""
    from gengraph.benchmarks.scale.growing import check_growing
    from gengraph.benchmarks.scale.measure import check_costs

    costs = Costs.read(options.costs)
    found = (
        check_growing(costs, options.edges, turns=options.turns) if options.edges else check_costs(costs, turns=options.turns)
    )
    print(json.dumps(found, indent=2))


COMMANDS = {"predict": predict, "measure": measure, "check": check}

if __name__ == "__main__":
    main()
