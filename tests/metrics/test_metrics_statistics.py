from typing import Any

import numpy as np
import pytest
from golden_files import golden_set, golden_values

from gengraph.metrics.orbits import node_orbits
from gengraph.metrics.statistics import clustering_histogram, degree_histogram, local_clustering

PER_GRAPH = golden_values("per_graph")


@pytest.mark.parametrize("golden", PER_GRAPH, ids=[f"{graph['set']}-{graph['index']}" for graph in PER_GRAPH])
def test_single_graphs(golden: dict[str, Any]) -> None:
    graph = golden_set(golden["set"])[golden["index"]]
    orbits = node_orbits(graph)
    assert orbits.sum(axis=0).tolist() == golden["orbit15_sum_over_nodes"]
    assert orbits[:5].tolist() == golden["orbit15_first5_nodes"]
    assert local_clustering(graph).tolist() == golden["clustering_coefficients"]
    assert degree_histogram(graph)[0].tolist() == golden["degree_histogram"]
    (histogram,) = clustering_histogram(graph)
    assert [[bin_, histogram[bin_]] for bin_ in np.flatnonzero(histogram)] == golden["clustering_hist100_nonzero"]
