"""The graph of an index is its first attempt that meets the conditions, whatever the source."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import pytest
from enumeration import MAX_NODES, tiny_model

from gengraph.data import load_dataset
from gengraph.errors import InputError
from gengraph.formats import read_graphs
from gengraph.generators import GENERATORS
from gengraph.graphs import GraphSet, Int64Array
from gengraph.graphs.isomorphism import canonical_keys, isomorphism_classes
from gengraph.models.family import Decoding, Drawn
from gengraph.models.registry import CLOSED_FORMS
from gengraph.sampling.attempts import GeneratorSource, Source, sample_graphs
from gengraph.sampling.conditions import Conditions
from gengraph.sampling.job import GeneratorOrigin, SampleRequest, ShardWriter, sample_into
from gengraph.sampling.shards import Shard, plan_shards, verify_folder
from gengraph.storage import Folder

SMALL = GraphSet.from_networkx([nx.gnp_random_graph(n, 0.4, seed=n) for n in (4, 4, 5, 5, 6, 6, 7)])
KNOWN = frozenset(canonical_keys(GraphSet.from_networkx([nx.path_graph(3), nx.path_graph(2), nx.complete_graph(3)])))


def generator_source() -> GeneratorSource:
    return GeneratorSource(GENERATORS["er"]().fit(SMALL, seed=0), "er")


def model_source() -> Source:
    model: Source = tiny_model().float()
    return model


CONDITIONS = {
    "sizes": Conditions(within={"nodes": (2, 3)}),
    "one component": Conditions(max_num_node=MAX_NODES, components="reject"),
    "unknown": Conditions(max_num_node=MAX_NODES, refused=KNOWN),
    "largest component of a size": Conditions(within={"nodes": (2, 3)}, components="largest", max_num_node=MAX_NODES),
    "all": Conditions(
        within={"nodes": (1, 3)},
        components="reject",
        refused=frozenset(canonical_keys(GraphSet.from_networkx([nx.path_graph(1)]))),
    ),
}
OF_GENERATORS = {
    "sizes": Conditions(within={"nodes": (5, 6)}),
    "one component": Conditions(components="reject"),
    "unknown": Conditions(refused=frozenset(canonical_keys(SMALL))),
    "largest component of a size": Conditions(within={"nodes": (5, 6)}, components="largest"),
    "all": Conditions(within={"nodes": (4, 6)}, components="reject", refused=frozenset(canonical_keys(SMALL))),
}


def by_definition(source: Source, index: int, conditions: Conditions, seed: int) -> tuple[GraphSet, int, bool]:
    """The first attempt that is taken, how many it took, and whether it was cut: one attempt after the other."""
    sampler = source.sampler(conditions.decoding(source.largest))
    for attempt in range(5000):
        (drawn,) = sampler.draw(np.array([index]), np.array([attempt]), seed=seed)
        taken, graphs = conditions.judge(drawn)
        if taken[0]:
            return graphs, attempt + 1, bool(drawn.cut[0])
    raise AssertionError


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("make", [model_source, generator_source])
def test_the_first_attempt_that_is_taken_is_the_graph(make: Any, name: str) -> None:
    source, conditions = make(), (CONDITIONS if make is model_source else OF_GENERATORS)[name]
    indices = np.array([7, 0, 3, 12, 100, 3, 55, 8])
    samples = sample_graphs(source, indices, seed=4, conditions=conditions)
    for k, index in enumerate(indices.tolist()):
        graph, attempts, cut = by_definition(source, index, conditions, seed=4)
        assert samples.graphs[k : k + 1] == graph
        assert (samples.attempts[k], samples.cut[k]) == (attempts, cut)
    many = sample_graphs(source, np.arange(200), seed=4, conditions=conditions)
    assert many.graphs[indices] == sample_graphs(source, np.arange(101), seed=4, conditions=conditions).graphs[indices]
    assert many.attempts.max() > 1


@dataclass
class Scripted:
    """A source whose attempts have as many nodes as a script says, drawn in parts and out of order."""

    sizes: np.ndarray
    largest: int = 5

    def sampler(self, decoding: Decoding) -> "Scripted":
        return self

    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        order = np.random.default_rng(len(indices)).permutation(len(indices))
        for place in np.array_split(order, max(1, len(order) // 3)):
            sizes = self.sizes[indices[place], attempts[place]]
            edges = [np.zeros((0, 2), np.int64)] * len(place)
            yield Drawn(place, GraphSet.from_edge_lists(sizes.tolist(), edges), np.zeros(len(place), np.bool_))


@pytest.mark.parametrize("rate", [0.9, 0.3, 0.03])
def test_attempts_that_are_drawn_ahead_and_come_in_any_order_change_nothing(rate: float) -> None:
    random = np.random.default_rng(0)
    taken = random.random((60, 2000)) < rate
    sizes = np.where(taken, 2 + random.integers(0, 50, taken.shape), 1)
    finished: list[int] = []
    conditions = Conditions(within={"nodes": (2, 99)})
    samples = sample_graphs(Scripted(sizes), np.arange(60), seed=0, conditions=conditions, report=finished.append)
    first = taken.argmax(1)
    assert np.array_equal(samples.attempts, first + 1)
    assert np.array_equal(samples.graphs.num_nodes, sizes[np.arange(60), first])
    assert sum(finished) == 60
    assert min(finished) >= 0


def test_a_source_that_never_meets_the_conditions_is_given_up() -> None:
    sizes = np.ones((20, 20_000), np.int64)
    with pytest.raises(InputError, match=r"must meet the conditions \(2\.\.9 nodes\), but 0 of \d+ did; loosen them"):
        sample_graphs(Scripted(sizes), np.arange(20), seed=0, conditions=Conditions(within={"nodes": (2, 9)}))


@pytest.mark.parametrize("model", ["er", "ba", "configuration", "empirical"])
def test_generators_are_sampled_by_index(model: str) -> None:
    assert model in CLOSED_FORMS
    graphs = load_dataset("grid-small")
    generator = GENERATORS[model]().fit(graphs, seed=0)
    source = GeneratorSource(generator, model)
    whole = sample_graphs(source, np.arange(2500), seed=3)
    assert whole.graphs == generator.sample(2500, seed=3)  # first attempts are what the generator itself draws
    assert set(whole.attempts.tolist()) == {1}
    assert not whole.num_cut
    some = np.array([2400, 0, 7, 7, 1023, 1024])
    assert sample_graphs(source, some, seed=3).graphs == whole.graphs[some]
    assert sample_graphs(source, np.arange(2500), seed=4).graphs != whole.graphs


def test_what_a_generator_cannot_do_is_refused_by_its_name() -> None:
    source = generator_source()
    for asked, conditions in {
        r"temperature = 0\.5": Conditions(temperature=0.5),
        "constraint = planar": Conditions(constraint="planar"),
        "stop = reference": Conditions(stop="reference"),
    }.items():
        with pytest.raises(InputError, match=rf"^{asked} is not for er as it is here"):
            sample_graphs(source, np.arange(3), seed=0, conditions=conditions)


def origin(model: str = "er") -> GeneratorOrigin:
    return GeneratorOrigin(GENERATORS[model]().fit(SMALL, seed=0), {"dataset": "small", "seed": 0}, model)


def draw(folder: Any, request: SampleRequest, **more: Any) -> dict[str, Any]:
    return sample_into(Folder(str(folder)), origin(), request, train=lambda: SMALL, **more)


REQUESTS = {
    "plain": SampleRequest(num_graphs=60, shard_size=25, seed=1),
    "conditions": SampleRequest(
        num_graphs=60, shard_size=25, conditions=Conditions(within={"nodes": (5, 6)}, components="reject")
    ),
    "novel": SampleRequest(num_graphs=60, shard_size=25, novel_against="train"),
    "unique": SampleRequest(num_graphs=60, shard_size=25, unique=True),
    "unique and novel": SampleRequest(
        num_graphs=60, shard_size=25, unique=True, novel_against="train", conditions=Conditions(within={"nodes": (5, 7)})
    ),
}


def contents(folder: Any) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_generator_fills_a_folder_as_a_model_does(name: str, tmp_path: Any) -> None:
    request, done = REQUESTS[name], list[int]()
    manifest = draw(tmp_path / "a", request, report=done.append)
    graphs = read_graphs(tmp_path / "a")
    assert (len(graphs), sum(done)) == (60, 60)
    assert verify_folder(Folder(str(tmp_path / "a"))) == manifest
    assert (manifest["model"], manifest["dataset"], manifest["num_graphs"]) == ("er", "small", 60)
    assert manifest["parameters"] == origin().generator.parameters()
    keys = canonical_keys(graphs)
    if request.unique:
        assert len(set(keys)) == 60 == len(np.unique(isomorphism_classes(graphs)[0]))
    if request.novel_against:
        assert not set(keys) & set(canonical_keys(SMALL))
        assert manifest["conditions"]["novel_against"] == SMALL.content_hash()
    if request.conditions.within:
        least, most = request.conditions.within["nodes"]
        assert graphs.num_nodes.min() >= least
        assert graphs.num_nodes.max() <= most
    if name == "plain":
        assert graphs == origin().generator.sample(60, seed=1)
    sizes = SampleRequest(**{**{k: getattr(request, k) for k in REQUEST_FIELDS}, "shard_size": 7})
    draw(tmp_path / "b", sizes)
    assert read_graphs(tmp_path / "b") == graphs


REQUEST_FIELDS = ("num_graphs", "seed", "conditions", "unique", "novel_against")


@pytest.mark.parametrize("name", REQUESTS)
def test_a_sample_that_goes_on_equals_one_that_was_not_interrupted(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, whole, calls = REQUESTS[name], tmp_path / "whole", list[int]()
    draw(whole, request)
    write = ShardWriter.__call__

    def interrupted(self: ShardWriter, shard: Shard, *report: Any) -> None:
        calls.append(shard.index)
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(self, shard, *report)

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "__call__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            draw(tmp_path / "parts", request)
    done = list[int]()
    draw(tmp_path / "parts", request, report=done.append)
    assert done[0] == 25  # one shard was there
    assert sum(done) == 60
    assert contents(tmp_path / "parts") == contents(whole)
    (tmp_path / "parts" / "shard-000001.parquet").unlink()
    draw(tmp_path / "parts", request)
    assert contents(tmp_path / "parts") == contents(whole)


def test_another_fit_does_not_go_on_with_a_sample(tmp_path: Any) -> None:
    request = REQUESTS["plain"]
    draw(tmp_path, request)
    other = GeneratorOrigin(GENERATORS["er"]().fit(SMALL[:3], seed=0), {"dataset": "small", "seed": 0}, "er")
    with pytest.raises(InputError, match=r"holds another sample \(parameters: "):
        sample_into(Folder(str(tmp_path)), other, request, train=lambda: SMALL)
    with pytest.raises(InputError, match=r"holds another sample \(model: er there, ba asked for"):
        sample_into(Folder(str(tmp_path)), origin("ba"), request, train=lambda: SMALL)


def test_limits_are_not_for_generators(tmp_path: Any) -> None:
    request = SampleRequest(num_graphs=5, conditions=Conditions(max_num_node=9))
    with pytest.raises(InputError, match="max_num_node is for models that grow graphs, got 9 for er; leave it out"):
        draw(tmp_path / "s", request)
    with pytest.raises(InputError, match=r"temperature = 2 is not for er"):
        draw(tmp_path / "s", SampleRequest(num_graphs=5, conditions=Conditions(temperature=2.0)))
    assert not (tmp_path / "s").exists()


def test_shards_of_a_generator_follow_from_their_indices() -> None:
    shards = plan_shards(60, 25, 1)
    assert [shard.indices[[0, -1]].tolist() for shard in shards] == [[0, 24], [25, 49], [50, 59]]
    for shard in shards:
        samples = sample_graphs(origin().open(), shard.indices, seed=shard.seed)
        assert samples.graphs == origin().generator.sample(60, seed=1)[shard.indices]
