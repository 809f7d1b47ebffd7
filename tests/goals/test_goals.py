import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from gengraph.data import Split
from gengraph.errors import InputError
from gengraph.formats import read_graphs
from gengraph.goals.config import GoalConfig
from gengraph.goals.found import Found
from gengraph.goals.run import create_goal_run, extend_goal, train_goal
from gengraph.goals.trainer import GoalTrainer, standardised
from gengraph.graphs import GraphSet
from gengraph.graphs.isomorphism import canonical_keys
from gengraph.graphs.orderings import Adjacency
from gengraph.models.graphrnn.rows import decode_rows, encode_as_numbered, encode_rows
from gengraph.rewards.find import find_reward
from gengraph.runs.folders import create_run, find_checkpoint, train_run
from gengraph.runs.sample import sample_run
from gengraph.sampling.job import SampleRequest
from gengraph.storage import Folder
from gengraph.training.checkpoint import load_checkpoint
from gengraph.training.config import Config, usual_config

GRAPHS = GraphSet.from_networkx([nx.gnp_random_graph(6 + k % 3, 0.4, seed=k) for k in range(24)])
SMALL = Config().replace(["model.hidden_size=16", "model.head.hidden_size=8", "training.steps=60"])


def trained(folder: Path, config: Config = SMALL) -> Path:
    split = Split(train=GRAPHS[:16], validation=GRAPHS[16:20], test=GRAPHS[20:])
    create_run(folder, dataset="small", split=split, split_seed=0, config=config)
    train_run(folder)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("runs") / "small")


def goal_run(run: Path, folder: Path, **goal: Any) -> Path:
    create_goal_run(folder, run, GoalConfig(**{"reward": "edges", "batch_size": 32, "steps": 4, **goal}))
    return folder


def test_rows_of_numbered_graphs_are_the_graphs() -> None:
    batch = encode_as_numbered(GRAPHS, max_prev_node=8, adaptive=False)
    assert decode_rows(batch) == GRAPHS[batch.graph]
    assert batch.num_cut == 0
    grown = decode_rows(
        encode_rows(Adjacency.of(GRAPHS), np.arange(24), ordering="bfs", max_prev_node=8, adaptive=True, key=(0, 0))
    )
    again = encode_as_numbered(grown, max_prev_node=8, adaptive=True)
    assert decode_rows(again) == grown[again.graph]


def test_standardised_rewards() -> None:
    scores = standardised(np.array([1.0, 3.0, np.nan]))
    assert scores.mean() == pytest.approx(0)
    assert scores.std() == pytest.approx(1)
    assert scores[2] < scores[0] < scores[1]
    assert (standardised(np.full(3, np.nan)) == 0).all()
    same = standardised(np.array([2.0, 2.0, np.nan]))
    assert same[2] < same[0] == same[1]


def test_the_reward_rises(run: Path, tmp_path: Path) -> None:
    folder = goal_run(run, tmp_path / "run", steps=30, learning_rate=5e-3, rules=("nodes=2..9",))
    found = train_goal(folder)
    reports = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    begun = read_graphs(run / "data" / "train.parquet").num_edges.mean()
    assert reports[-1]["reward"] > begun + 3
    assert reports[-1]["step"] == 30
    assert (found.graphs.num_nodes <= 9).all()
    assert found.scores.tolist() == sorted(found.graphs.num_edges.tolist(), reverse=True)
    assert len(set(canonical_keys(found.graphs))) == len(found.graphs)
    manifest = sample_run(folder, Folder(str(tmp_path / "samples")), SampleRequest(num_graphs=50, seed=1))
    assert manifest["num_graphs"] == 50


@pytest.mark.parametrize("goal", [{}, {"adversary": 0.5, "repeats": 0.2}])
def test_resumed_equals_uninterrupted(run: Path, tmp_path: Path, goal: dict[str, Any]) -> None:
    train_goal(goal_run(run, tmp_path / "whole", **goal))
    parts = goal_run(run, tmp_path / "parts", **(goal | {"steps": 2}))
    train_goal(parts)
    extend_goal(parts, steps=4, budget=None)
    train_goal(parts)
    for name in ("checkpoints/step-00000004/model.safetensors", "checkpoints/step-00000004/optimizer.safetensors", "best.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (parts / name).read_bytes()


def test_rules_are_kept_and_what_has_no_reward_is_worth_least(run: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import numpy as np\ndef few(graphs):\n    return np.where(graphs.num_edges < 9, graphs.num_edges, np.nan)\n"
    )
    folder = goal_run(run, tmp_path / "run", reward=f"{tmp_path / 'own.py'}:few", rules=("connected",))
    found = train_goal(folder)
    assert (found.graphs.num_edges < 9).all()
    assert (found.graphs.num_components() == 1).all()


def test_where_nothing_has_a_reward_nothing_is_learned(run: Path, tmp_path: Path) -> None:
    folder = goal_run(run, tmp_path / "run", rules=("nodes=100",), steps=2, learning_rate=0.1, prior=0.0)
    assert not len(train_goal(folder).graphs)
    assert "NaN" not in (folder / "metrics.jsonl").read_text()
    before, after = (load_checkpoint(path).weights for path in (folder / "prior", find_checkpoint(folder)))
    assert all((before[name] == value).all() for name, value in after.items())


def test_a_reward_that_changes_is_found_out(run: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import numpy as np\ndef chance(graphs):\n    return np.random.random(len(graphs))\n")
    folder = goal_run(run, tmp_path / "run", reward=f"{tmp_path / 'own.py'}:chance", steps=1)
    with pytest.raises(InputError, match=r"a reward must be the same each time, graph 0 of .*best\.parquet had"):
        train_goal(folder)


def test_a_model_without_a_policy_is_refused(tmp_path: Path) -> None:
    other = trained(tmp_path / "vgae", usual_config("vgae").trained(steps=1, budget=600.0))
    with pytest.raises(InputError, match=r"a goal needs a model whose graphs come of decisions .*, vgae is none"):
        create_goal_run(tmp_path / "goal", other, GoalConfig(reward="edges"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"reward": ""}, r"goal\.reward must be the name"),
        ({"reward": "edges", "clip": 0.0}, r"goal\.clip must lie in \(0, inf\), got 0\.0"),
        ({"reward": "edges", "batch_size": 1}, r"goal\.batch_size must be >= 2"),
        ({"reward": "edges", "colour": 1}, r"unknown field goal\.colour"),
    ],
)
def test_goals_that_are_wrong(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GoalConfig.from_dict(values)


def test_the_best_are_kept_once_each(tmp_path: Path) -> None:
    found, reward = Found(), find_reward("edges")
    for step in range(3):
        found.add(GRAPHS, reward(GRAPHS), step)
    assert set(found.steps.tolist()) == {0}
    assert found.scores[0] == GRAPHS.num_edges.max()
    found.write(tmp_path)
    again = Found.checked(tmp_path, reward)
    assert again.graphs == found.graphs
    again.add(GRAPHS, reward(GRAPHS), 4)
    assert again.graphs == found.graphs


def test_labelled_graphs_have_a_policy(tmp_path: Path) -> None:
    pytest.importorskip("rdkit")
    from gengraph.chemistry.reading import graphs_of_texts

    texts = ["CCO", "CCN", "C1CC1", "CC=O", "CCC", "OCCO", "CC#N", "CNC"]
    molecules = graphs_of_texts(texts).graphs
    folder = tmp_path / "molecules"
    split = Split(train=molecules, validation=molecules[:2], test=molecules[:2])
    create_run(folder, dataset="small", split=split, split_seed=0, config=SMALL)
    train_run(folder)
    found = train_goal(goal_run(folder, tmp_path / "goal", reward="validity", steps=2))
    assert found.graphs.schema == molecules.schema
    assert set(found.scores.tolist()) <= {0.0, 1.0}


def test_the_trainer_says_what_it_reports(run: Path) -> None:
    reports: list[dict[str, Any]] = []
    trainer = GoalTrainer(GoalConfig(reward="edges", steps=1, batch_size=16), load_checkpoint(find_checkpoint(run)), GRAPHS)
    trainer.run(reports.append, lambda _checkpoint, _found: None)
    (last,) = reports
    assert {"step", "progress", "reward", "reward_best", "rewarded", "distinct", "nodes", "divergence", "graphs_per_s"} <= set(
        last
    )
    assert last["divergence"] == 0
    assert 0 < last["distinct"] <= 1


def test_every_graph_goes_on_from_a_start(tmp_path: Path) -> None:
    config = usual_config("molrnn").replace(["model.skip_size=8", "model.state_size=8", "training.steps=10"])
    start = GraphSet.from_networkx([nx.cycle_graph(3)])
    origin = trained(tmp_path / "small", config)
    for name, steps in (("whole", 3), ("parts", 1)):
        goal = GoalConfig(reward="edges", batch_size=16, steps=steps)
        create_goal_run(tmp_path / name, origin, goal, start=start)
        found = train_goal(tmp_path / name)
    extend_goal(tmp_path / "parts", steps=3, budget=None)
    found = train_goal(tmp_path / "parts")
    assert (tmp_path / "whole" / "best.json").read_bytes() == (tmp_path / "parts" / "best.json").read_bytes()
    assert len(found.graphs) > 3
    for graph in found.graphs.to_networkx():
        assert set(graph.subgraph(range(3)).edges) == {(0, 1), (0, 2), (1, 2)}
