import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from gengraph.data import DATASETS, download, load_dataset, split_graphs
from gengraph.data.download import obtain, places
from gengraph.errors import DatasetUnavailable, InputError
from gengraph.formats import write_graphs
from gengraph.graphs import GraphSet

HASHES = {
    "ladder": "16b8c58606d02706",
    "ladder-small": "34973be5dd0d4308",
    "grid": "11f125572901a13f",
    "grid-small": "b12f7b4285bf6ddc",
    "community": "ac693c6dd9205728",
    "community-small": "1977856f939e2e64",
    "protein": "205e2eca6a733d9a",
    "enzymes": "99b1789b61721687",
}
FILES = {"protein": "DD.zip", "enzymes": "ENZYMES.zip"}


@pytest.mark.parametrize("name", DATASETS)
def test_named_sets_are_the_same_everywhere(name: str) -> None:
    if name in FILES and not any((place / FILES[name]).is_file() for place in places(None)):
        pytest.skip(f"{FILES[name]} is neither in $GENGRAPH_DATA nor in the user cache")
    graphs = load_dataset(name)
    assert len(graphs) == DATASETS[name].num_graphs
    assert (graphs.num_nodes.min(), graphs.num_nodes.max()) == DATASETS[name].nodes
    assert graphs.content_hash()[:16] == HASHES[name]


def test_ladders_and_grids_are_what_networkx_makes() -> None:
    for graph, rungs in zip(load_dataset("ladder-small").to_networkx(), range(2, 11), strict=True):
        assert nx.utils.graphs_equal(graph, nx.ladder_graph(rungs))
    sizes = [(r, c) for r in range(2, 6) for c in range(2, 7)]
    for graph, (rows, columns) in zip(load_dataset("grid-small").to_networkx(), sizes, strict=True):
        assert nx.utils.graphs_equal(graph, nx.convert_node_labels_to_integers(nx.grid_2d_graph(rows, columns)))


def test_communities_have_the_density_of_the_paper() -> None:
    graphs = load_dataset("community")
    n = graphs.num_nodes
    first = (n // 2)[graphs.graph_of_edge]
    between = (graphs.edges[:, 0] < first) != (graphs.edges[:, 1] < first)
    assert (np.bincount(graphs.graph_of_edge[between]) == np.maximum(1, np.round(0.05 * n))).all()
    pairs = (n // 2) * (n // 2 - 1) / 2 + (n - n // 2) * (n - n // 2 - 1) / 2
    assert (~between).sum() / pairs.sum() == pytest.approx(0.3, abs=0.002)


def test_splits_are_disjoint_seeded_and_whole() -> None:
    graphs = load_dataset("grid")
    split = split_graphs(graphs, seed=3)
    assert (len(split.train), len(split.validation), len(split.test)) == (72, 8, 20)
    together = GraphSet.concatenate([split.train, split.validation, split.test])
    # Two grids may be equal (r x c and c x r are not): sizes and edges identify a graph here.
    key = sorted(part.content_hash() for part in together)
    assert key == sorted(part.content_hash() for part in graphs)
    assert split_graphs(graphs, seed=3).test == split.test
    assert split_graphs(graphs, seed=4).test != split.test


def test_small_sets() -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(n) for n in (2, 3, 4)])
    split = split_graphs(graphs)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [1, 1, 1]
    with pytest.raises(InputError, match="at least 3 graphs, got 1"):
        split_graphs(graphs[:1])


def test_paths_and_unknown_names(tmp_path: Path) -> None:
    graphs = GraphSet.from_networkx([nx.path_graph(3)])
    write_graphs(graphs, tmp_path / "mine.jsonl")
    assert load_dataset(tmp_path / "mine.jsonl") == graphs
    with pytest.raises(InputError, match=r"unknown data set 'lader': neither a name \(ladder, .*\) nor a file"):
        load_dataset("lader")


class Server:
    """A local web server that answers every path with `body`, or with what `misbehave` says."""

    def __init__(self, body: bytes, misbehave: str = "") -> None:
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                if misbehave == "missing":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body) + (100 if misbehave == "short" else 0)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/DD.zip"

    def __enter__(self) -> "Server":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GENGRAPH_DATA", raising=False)
    monkeypatch.setattr(download.platformdirs, "user_cache_dir", lambda _name: str(tmp_path / "cache"))
    monkeypatch.setattr(download.time, "sleep", lambda _seconds: None)
    return tmp_path / "cache"


def test_download_lands_in_the_cache_and_is_not_repeated(empty_cache: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    with Server(b"x" * 600_000) as server:
        path = obtain("DD.zip", server.url, report=lambda *facts: seen.append(facts))
        assert obtain("DD.zip", server.url) == path
        assert server.requests == 1
    assert path == empty_cache / "DD.zip"
    assert path.read_bytes() == b"x" * 600_000
    assert seen[-1] == ("DD.zip", 600_000, 600_000)
    assert len(seen) > 1


@pytest.mark.parametrize(("misbehave", "requests"), [("short", 3), ("missing", 1)])
def test_failed_downloads_leave_nothing(empty_cache: Path, misbehave: str, requests: int) -> None:
    with (
        Server(b"x" * 1000, misbehave) as server,
        pytest.raises(DatasetUnavailable, match="put it into a folder and name that"),
    ):
        obtain("DD.zip", server.url)
    assert server.requests == requests
    assert not list(empty_cache.glob("*"))


def test_files_are_looked_for_in_order(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / "given", tmp_path / "environment", empty_cache]
    for folder in folders:
        folder.mkdir()
        (folder / "DD.zip").touch()
    monkeypatch.setenv("GENGRAPH_DATA", str(folders[1]))
    for folder in folders:
        assert obtain("DD.zip", "http://127.0.0.1:1/", data_dir=folders[0]) == folder / "DD.zip"
        (folder / "DD.zip").unlink()


def test_a_collection_with_other_counts_is_refused(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "DD.zip", "w") as archive:
        archive.writestr("DD/DD_A.txt", "1, 2\n2, 1\n")
        archive.writestr("DD/DD_graph_indicator.txt", "1\n1\n")
    with pytest.raises(DatasetUnavailable, match=r"must hold \(1178, 334925, 843046\).*got \(1, 2, 1\)"):
        load_dataset("protein", data_dir=tmp_path)
