"""The benchmark on labelled graphs: models of structure alone are compared without labels, the floor with them."""

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from command_line import gengraph, in_tmp_path  # noqa: F401

from gengraph.formats import read_graphs, write_graphs
from gengraph.graphs import GraphSet
from gengraph.metrics import evaluate

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def test_labels_have_columns_of_their_own() -> None:
    rng = np.random.default_rng(0)
    graphs = [nx.gnp_random_graph(int(rng.integers(5, 9)), 0.4, seed=i) for i in range(30)]
    for graph in graphs:
        nx.set_node_attributes(graph, {v: "ab"[graph.degree(v) % 2] for v in graph}, "kind")
    labelled = GraphSet.from_networkx(graphs, node_label="kind")
    write_graphs(labelled, "a.parquet")
    names = "degree,node_labels,nspdk"
    gengraph(f"benchmark --datasets a.parquet --models er --statistics {names} --bootstrap 20 --out r")
    results = json.loads(Path("r/results.json").read_text())
    rows = {row["model"]: row["mmd2"] for row in results["rows"]}
    assert rows["er"]["degree"] > 0
    assert rows["er"]["node_labels"] is rows["er"]["nspdk"] is None
    assert all(value is not None for value in rows["train set"].values())
    split = results["datasets"][0]
    count = split["num_fitting"] + split["num_test"]
    assert count == len(graphs)
    gengraph("datasets export a.parquet --split test --out test.parquet")
    gengraph("datasets export a.parquet --split train --out train.parquet")
    gengraph("datasets export a.parquet --split validation --out validation.parquet")
    fitted = GraphSet.concatenate([read_graphs("train.parquet"), read_graphs("validation.parquet")])
    found = evaluate(read_graphs("test.parquet"), fitted, "emd", statistics=names.split(",")).metrics
    for name, value in rows["train set"].items():
        assert value == pytest.approx(found[name].mmd2, abs=1e-12)
