from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from gengraph.errors import InputError
from gengraph.graphs import GraphSet, LabelArrays
from gengraph.rewards import BOUNDS, REWARDS, RULES
from gengraph.rewards.find import find_reward, find_rule

GRAPHS = GraphSet.from_networkx([nx.complete_graph(4), nx.path_graph(3), nx.cycle_graph(5), nx.empty_graph(2)])


def test_every_named_reward_gives_a_number_a_graph() -> None:
    for name, listed in REWARDS.items():
        if "chemistry" not in listed.place:
            assert find_reward(name)(GRAPHS).shape == (4,)


def test_rewards_of_plain_graphs_are_those_of_networkx() -> None:
    graphs = GRAPHS.to_networkx()
    assert find_reward("triangles")(GRAPHS).tolist() == [sum(nx.triangles(g).values()) / 3 for g in graphs]
    assert find_reward("clustering")(GRAPHS) == pytest.approx([nx.average_clustering(g) for g in graphs])
    assert find_reward("diameter")(GRAPHS)[:3].tolist() == [nx.diameter(g) for g in graphs[:3]]


def test_a_value_rewards_being_near_it() -> None:
    assert find_reward("edges=4")(GRAPHS).tolist() == [-2, -2, -1, -4]


@pytest.mark.parametrize(
    ("rule", "obeyed"),
    [
        ("connected", [True, True, True, False]),
        ("tree", [False, True, False, False]),
        ("planar", [True, True, True, True]),
        ("nodes=3", [False, True, False, False]),
        ("edges=2..5", [False, True, True, False]),
        ("max-degree=2", [False, True, True, True]),
        ("max-degree=2..3", [True, True, True, False]),
    ],
)
def test_rules(rule: str, obeyed: list[bool]) -> None:
    assert find_rule(rule)(GRAPHS).tolist() == obeyed


def test_a_users_own_file(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "import numpy as np\n"
        "def density(graphs):\n    return graphs.num_edges / np.maximum(graphs.num_nodes, 1)\n"
        "def small(graphs):\n    return graphs.num_nodes < 4\n"
        "def wrong(graphs):\n    return np.zeros(2)\n"
        "def fails(graphs):\n    raise KeyError('no')\n"
        "def exits(graphs):\n    raise SystemExit(3)\n"
        "def words(graphs):\n    return ['many'] * len(graphs)\n"
    )
    assert find_reward(f"{own}:density")(GRAPHS).tolist() == [1.5, 2 / 3, 1, 0]
    assert find_rule(f"{own}:small")(GRAPHS).tolist() == [False, True, False, True]
    with pytest.raises(InputError, match=r"a finite number a graph, or nan, got an array of the shape \(2,\) for 4 graphs"):
        find_reward(f"{own}:wrong")(GRAPHS)
    for find, must in ((find_reward, "a number"), (find_rule, "true or false")):
        with pytest.raises(InputError, match=f"fails must give {must} a graph, it failed: KeyError: 'no'"):
            find(f"{own}:fails")(GRAPHS)
        with pytest.raises(InputError, match="it failed: SystemExit: 3"):
            find(f"{own}:exits")(GRAPHS)
    with pytest.raises(InputError, match=r"a number a graph, or nan, got \['many', .*could not convert string to float"):
        find_reward(f"{own}:words")(GRAPHS)
    with pytest.raises(InputError, match="must give true or false a graph, got float64"):
        find_rule(f"{own}:density")(GRAPHS)
    with pytest.raises(InputError, match="has no function other; it has density, small, wrong, fails, exits, words"):
        find_reward(f"{own}:other")


@pytest.mark.parametrize(
    ("find", "name", "message"),
    [
        (find_reward, "beauty", "unknown reward 'beauty'; choose from qed, logp"),
        (find_reward, "edges=many", "NAME or NAME=VALUE with a finite number, got 'edges=many'"),
        (find_reward, "edges=nan", "NAME or NAME=VALUE with a finite number, got 'edges=nan'"),
        (find_reward, "edges=inf", "NAME or NAME=VALUE with a finite number, got 'edges=inf'"),
        (find_reward, "none.py:score", r"there is no none\.py"),
        (find_rule, "max-degree=few", "of the form max-degree=4, or"),
        (find_rule, "nodes=20..12", "least <= most, got 'nodes=20..12', which no graph obeys"),
        (find_rule, "max-degree=-1", "0 <= least <= most, got 'max-degree=-1'"),
        (find_rule, "similar=4:CCO", "with S from 0 to 1, got 'similar=4:CCO'"),
        (find_rule, "nice", "unknown rule 'nice'; choose from valences"),
    ],
)
def test_what_there_is_not_is_said(find, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find(name)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match=r"broken\.py cannot be imported \(ZeroDivisionError"):
        find_reward(f"{tmp_path / 'broken.py'}:score")
    (tmp_path / "script.py").write_text("import sys\nsys.exit('usage: script')\n")
    with pytest.raises(InputError, match=r"script\.py cannot be imported \(SystemExit: usage: script"):
        find_reward(f"{tmp_path / 'script.py'}:score")


def test_every_name_is_there() -> None:
    assert all(callable(find_rule(name)) for name in RULES if name != "valences")
    assert all(callable(find_rule(f"{name}=1")) for name in BOUNDS if name != "similar")


def test_rewards_of_molecules_are_those_of_rdkit_for_any_order_of_the_atoms() -> None:
    Chem = pytest.importorskip("rdkit.Chem")
    from rdkit.Chem import Crippen, Descriptors
    from rdkit.Chem.QED import qed

    from gengraph.chemistry.reading import graphs_of_texts

    texts = ["c1ccccc1O", "CC(=O)NC", "N#CC1CC1", "Oc1ccccc1"]
    graphs = graphs_of_texts(texts).graphs
    mols = [Chem.MolFromSmiles(text) for text in texts]
    for name, compute in (("qed", qed), ("logp", Crippen.MolLogP), ("weight", Descriptors.MolWt)):
        scores = find_reward(name)(graphs)
        assert scores == pytest.approx([compute(mol) for mol in mols])
        assert scores[0] == scores[3]
    assert find_reward("validity")(graphs).tolist() == [1, 1, 1, 1]
    assert np.isfinite(find_reward("plogp")(graphs)).all()
    assert find_rule("valences")(graphs).all()


def test_what_is_no_molecule_has_no_reward() -> None:
    pytest.importorskip("rdkit")
    from gengraph.chemistry.reading import graphs_of_texts

    ethane = graphs_of_texts(["CC"]).graphs
    too_many = GraphSet.from_edge_lists([6], [[(0, i) for i in range(1, 6)]])
    labels = ethane.labels
    assert labels is not None
    carbon = too_many.labelled(LabelArrays(labels.schema, np.zeros(6, np.int32), np.zeros(5, np.int32)))
    assert np.isnan(find_reward("qed")(carbon)).all()
    assert find_reward("validity")(carbon).tolist() == [0]
    assert np.isfinite(find_reward("qed")(ethane)).all()


def test_molecules_like_one() -> None:
    pytest.importorskip("rdkit")
    from rdkit import Chem
    from rdkit.Chem import AllChem, DataStructs

    from gengraph.chemistry.reading import graphs_of_texts
    from gengraph.chemistry.scores import similarity_to

    texts = ["CCO", "CCCO", "c1ccccc1O", "OCC"]
    found = similarity_to("CCO")(graphs_of_texts(texts).graphs)
    generator = AllChem.GetMorganGenerator(radius=2, fpSize=2048)
    one, two = (generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in texts[:2])
    assert found[1] == pytest.approx(DataStructs.TanimotoSimilarity(one, two))
    assert found[[0, 3]].tolist() == [1, 1]
    assert find_rule(f"similar={found[1]}:CCO")(graphs_of_texts(texts).graphs).tolist() == [True, True, False, True]
    for wrong, message in (("similar=CCO", "must be of the form similar=0.4:SMILES"), ("similar=0.4:C1C", "got 'C1C'")):
        with pytest.raises(InputError, match=message):
            find_rule(wrong)
