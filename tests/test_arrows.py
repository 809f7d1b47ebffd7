"""A room imports itself and the rooms before it, and no modules import each other in a circle.

Every import counts, those within functions and those for type checkers alike.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

import gengraph

LIBRARY = Path(gengraph.__file__).parent
FAMILIES = sorted(f"models.{path.parent.name}" for path in (LIBRARY / "models").glob("*/family.py"))
LEVELS = [  # rooms of one level do not know each other
    ["versions", "errors"],
    ["files"],
    ["storage", "streams", "seeded", "tables", "schema"],
    ["graphs"],
    ["chemistry"],
    ["formats"],
    ["data"],
    ["metrics"],
    ["models"],
    ["rewards"],
    [*FAMILIES, "baselines"],
    ["training"],
    ["sampling"],
    ["large"],
    ["runs", "tuning"],
    ["goals"],
    ["learned"],
    ["generators", "zoo"],
    ["distributed"],
    ["benchmarks"],
    ["cli", "testing"],
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
NO_ROOM = {"gengraph", "gengraph.__main__", "gengraph.configs"}  # what is exported, the command line, and TOML files
MEASURE_A_FAMILY = {  # what is about one family and no other
    "gengraph.benchmarks.speed",
    "gengraph.benchmarks.studies",
    "gengraph.cli.datasets",
    "gengraph.cli.info",
}
COMPARES_BUILDS = {"gengraph.benchmarks.speed.builds"}  # through what every build exports
BY_NAME = {  # modules that stand above, looked up when they are asked for
    ("gengraph.models.graphrnn.kernels", "gengraph.models.graphrnn.selfcheck"),
}


def sources() -> dict[str, Path]:
    """Every module of gengraph by its name."""
    found = {}
    for room in LIBRARY.iterdir():
        for path in [room] if room.suffix == ".py" else room.rglob("*.py"):
            name = ".".join(["gengraph", *path.relative_to(LIBRARY).with_suffix("").parts])
            found[name.removesuffix(".__init__")] = path
    return found


SOURCES = sources()
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in SOURCES.items()}


def imported(tree: ast.Module) -> Iterator[str]:
    """The modules of gengraph that are imported anywhere in a module; a name that is imported is a module if there is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in SOURCES)
        elif isinstance(node, ast.ImportFrom) and node.module in SOURCES:
            yield from imported_by(node)


def imported_by(node: ast.ImportFrom) -> set[str]:
    """The modules that an import from gengraph needs."""
    inner = {f"{node.module}.{alias.name}" for alias in node.names}
    return {name if name in SOURCES else str(node.module) for name in inner}


def looked_up(tree: ast.Module) -> Iterator[str]:
    """The modules of gengraph that are named in import_module("gengraph...")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and str(name.value) in SOURCES:
                yield str(name.value)


def arrows() -> nx.DiGraph:
    """From each module to those that it imports."""
    graph = nx.DiGraph()
    graph.add_nodes_from(SOURCES)
    graph.add_edges_from((module, other) for module, tree in TREES.items() for other in imported(tree) if other != module)
    return graph


ARROWS = arrows()


def room_of(module: str) -> str:
    """The innermost room that a module stands in."""
    parts = module.split(".")[1:]
    return next(room for k in range(len(parts), 0, -1) if (room := ".".join(parts[:k])) in LEVEL)


BETWEEN_ROOMS = [(module, other) for module, other in ARROWS.edges if not {module, other} & NO_ROOM]


def test_every_module_stands_in_a_room() -> None:
    assert {room_of(module) for module in SOURCES if module not in NO_ROOM} == set(LEVEL)
    folders = {f"models.{path.parent.name}" for path in (LIBRARY / "models").glob("*/__init__.py")}
    assert {*FAMILIES, "models.labelling"} == folders  # labels are for the graphs of any family
    assert len(BETWEEN_ROOMS) > 400


@pytest.mark.parametrize("room", LEVEL)
def test_a_room_imports_itself_and_the_rooms_before_it(room: str) -> None:
    wrong = [
        f"{module} -> {other}"
        for module, other in BETWEEN_ROOMS
        if room_of(module) == room != room_of(other) and LEVEL[room_of(other)] >= LEVEL[room]
    ]
    assert not wrong, f"a room before {room} must not need it; move the code, or hand over what it needs: {wrong}"


def test_a_family_is_imported_by_its_name_in_the_registry_alone() -> None:
    wrong = [
        f"{module} -> {other}"
        for module, other in BETWEEN_ROOMS
        if room_of(other) in FAMILIES
        and room_of(other) != room_of(module)
        and not any(f"{module}.".startswith(f"{allowed}.") for allowed in MEASURE_A_FAMILY)
    ]
    assert not wrong


def test_what_gengraph_exports_is_not_imported_from_there_by_its_rooms() -> None:
    assert {other for _, other in ARROWS.edges if other in NO_ROOM} <= {"gengraph"}
    for module, tree in TREES.items():
        read = [
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "gengraph"
        ]
        assert all(name.startswith("__") for name in read), f"{module} reads {read} of gengraph"
        if module not in COMPARES_BUILDS:
            named = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "gengraph"]
            assert all("gengraph" not in imported_by(node) for node in named), f"{module} imports what gengraph exports"


def test_only_what_stands_above_is_looked_up_by_name() -> None:
    assert {
        (module, other) for module, tree in TREES.items() if module not in COMPARES_BUILDS for other in looked_up(tree)
    } == BY_NAME


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert not [sorted(part) for part in nx.strongly_connected_components(ARROWS) if len(part) > 1]
