"""Links between pieces of a graph: how many each two pieces have, which nodes have them, and who is joined with whom.

A stub is the end of a link that a node has to give. What is near stays together: a share `closure` of the choices is made among
what is adjacent to earlier choices, the others at random. So links close triangles, as many as they should.

Legend: n nodes, P places of pieces, Q pairs of places, L links.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from gengraph.graphs import Int64Array
from gengraph.seeded import Stream

_ROUNDS = 8  # in which places offer their stubs to neighbours
_TRIES = 8  # choices that are compared
Choice = TypeVar("Choice")
Neighbours = Callable[[int], list[int]]


def numbers_of_links(stubs: Int64Array, pairs: Int64Array, wanted: Int64Array, seed: int) -> tuple[Int64Array, Int64Array]:
    """How many links pairs of places have, such that almost every stub is in one.

    A place offers its stubs to its neighbours in proportion to `wanted`; of what two offer each other the less is agreed upon,
    and what is left is offered again to those that have some left. After 8 rounds the rest is matched at random, with places
    that were no neighbours too.

    Args:
        stubs: int64[P] >= 0.
        pairs: int64[Q, 2], r < s, each pair once.
        wanted: int64[Q] >= 1.
        seed: of it.

    Returns:
        Pairs in order, int64[Q', 2], and their numbers >= 1, int64[Q']; no place has more than its stubs.
    """
    stream, left = Stream(seed, 4), stubs.copy()
    agreed = np.zeros(len(pairs), np.int64)
    for _ in range(_ROUNDS):
        weights = np.tile(wanted * (left[pairs] > 0).all(axis=1), 2)
        agreed += _shared(left, pairs.T.ravel(), weights, stream).reshape(2, -1).min(axis=0)
        left = stubs - np.bincount(pairs.T.ravel(), np.tile(agreed, 2), len(stubs)).astype(np.int64)
    rest = np.repeat(np.arange(len(left)), left)[stream.permutation(int(left.sum()))]
    more = np.sort(rest[: len(rest) // 2 * 2].reshape(-1, 2), axis=1)
    both = np.concatenate([pairs, more[more[:, 0] < more[:, 1]]])
    keys, where = np.unique(both[:, 0] * len(stubs) + both[:, 1], return_inverse=True)
    numbers = np.bincount(where, np.append(agreed, np.ones(len(both) - len(pairs))), len(keys)).astype(np.int64)
    keys, numbers = keys[numbers > 0], numbers[numbers > 0]
    return np.stack([keys // len(stubs), keys % len(stubs)], axis=1), numbers


def _shared(left: Int64Array, place: Int64Array, weights: Int64Array, stream: Stream) -> Int64Array:
    """int64[2 Q], what a place has left in proportion to its weights, if it has any, by systematic sampling."""
    order = np.argsort(place, kind="stable")
    sums = np.bincount(place, weights, len(left)).astype(np.int64)
    place, whole = place[order], np.maximum(sums, 1)[place[order]]
    start = (stream.uniforms(len(left)) * sums).astype(np.int64)[place]
    upto = np.cumsum(weights[order]) - (np.cumsum(sums) - sums)[place]
    shared = np.empty(len(place), np.int64)
    shared[order] = (upto * left[place] + start) // whole - ((upto - weights[order]) * left[place] + start) // whole
    return shared


def stubs_of_pairs(
    stubs: list[int], numbers: list[int], neighbours: Neighbours, closure: float, stream: Stream
) -> list[list[int]]:
    """The stubs of one place shared out: for each other place as many as it has links with this one.

    Args:
        stubs: nodes, each as often as it has links; at least as many as are shared out.
        numbers: of links.
        neighbours: the nodes adjacent to one within the place.
        closure: share of choices that keep together what goes to one place.
        stream: of what is random.
    """
    random, free = _uniforms(stream), Counter(stubs)
    bag = list(stubs)
    shared: list[list[int]] = [[] for _ in numbers]
    falling = sorted(range(len(numbers)), key=lambda place: -numbers[place])
    several = [place for place in falling if numbers[place] > 1]
    for place in several:
        near = _Near[int](random)
        for left in range(numbers[place], 0, -1):
            node = near.best(free.__getitem__, near.times.__getitem__) if next(random) < closure else None
            if node is None:
                tried = _tried(bag, free.__getitem__, random, _TRIES)
                node = min(tried, key=lambda node: abs(left - free[node] - sum(free[other] for other in neighbours(node))))
            free[node] -= 1
            shared[place].append(node)
            near.add([node, *neighbours(node)])
    rest = _shuffled([*free.elements()], random)
    for place, node in zip(falling[len(several) :], rest, strict=False):
        shared[place].append(node)
    return shared


def joined(
    first: list[int], second: list[int], neighbours: Neighbours, closure: float, stream: Stream
) -> tuple[list[tuple[int, int]], int]:
    """The stubs of two places matched: links, and how many triangles with an edge of one of the places they close.

    No link is there twice; nodes with many stubs come first, so that few are left without a partner.

    Args:
        first: nodes of one place, each as often as it has links with the other.
        second: nodes of the other, as many.
        neighbours: the nodes adjacent to one within its place.
        closure: share of choices that are made among those that close a triangle.
        stream: of what is random.
    """
    random, free = _uniforms(stream), Counter(first) + Counter(second)
    bags = [sorted(_shuffled(nodes, random), key=free.__getitem__) for nodes in (first, second)]
    links: set[tuple[int, int]] = set()
    near, triangles = _Near[tuple[int, int]](random), 0

    def is_open(link: tuple[int, int]) -> bool:
        return free[link[0]] > 0 and free[link[1]] > 0 and link not in links

    def gain(link: tuple[int, int]) -> int:
        return near.times[link] + free[link[0]] + free[link[1]]

    for _ in first:
        link = (near.best(is_open, gain) if next(random) < closure else None) or _any(bags, free, links)
        if link is None:
            break
        triangles += near.times[link]
        u, v = link
        near.add([*((u, other) for other in neighbours(v)), *((other, v) for other in neighbours(u))])
        links.add(link)
        free[u] -= 1
        free[v] -= 1
    return sorted(links), triangles


class _Near(Generic[Choice]):
    """Choices that are adjacent to earlier ones.

    Attributes:
        times: how often each is.
    """

    def __init__(self, random: Iterator[float]) -> None:
        self.times: Counter[Choice] = Counter()
        self._listed: list[Choice] = []
        self._random = random

    def add(self, choices: list[Choice]) -> None:
        """Each once more."""
        self._listed += [choice for choice in choices if not self.times[choice]]
        self.times.update(choices)

    def best(self, is_open: Callable[[Choice], Any], gain: Callable[[Choice], int]) -> Choice | None:
        """Of up to eight that are open the one with the largest gain; those that are not are forgotten."""
        return max(_tried(self._listed, is_open, self._random, _TRIES), key=gain, default=None)


def _tried(listed: list[Choice], is_open: Callable[[Choice], Any], random: Iterator[float], count: int) -> list[Choice]:
    """Up to so many random ones that are open; those that are not are taken off the list when they are met."""
    found: list[Choice] = []
    while listed and len(found) < count:
        at = int(next(random) * len(listed))
        listed[at], listed[-1] = listed[-1], listed[at]
        choice = listed.pop()
        found += [choice] if is_open(choice) else []
    listed += found
    return found


def _any(bags: list[list[int]], free: Counter[int], links: set[tuple[int, int]]) -> tuple[int, int] | None:
    """A link of two free stubs that is not there yet, if there is one."""
    for bag in bags:
        while bag and not free[bag[-1]]:
            bag.pop()
    free_pairs = ((u, v) for u in reversed(bags[0]) if free[u] for v in reversed(bags[1]) if free[v])
    return next((link for link in free_pairs if link not in links), None)


def _shuffled(nodes: list[int], random: Iterator[float]) -> list[int]:
    return [node for _, node in sorted((next(random), node) for node in nodes)]


def _uniforms(stream: Stream) -> Iterator[float]:
    while True:
        yield from stream.uniforms(64).tolist()
