"""MolGAN as a `GraphModel`: batches, the game of its players, and graphs from random latents.

Legend: B graphs, n places for nodes, P pairs of places (`classes`), C kinds of nodes, K kinds of edges.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from gengraph.graphs import GraphSet, Int64Array
from gengraph.models.family import Decoding, Drawn, Encoder, Facts, Loss, Sampler, check_decoding, labels_of
from gengraph.models.molgan.classes import Classes, classes_of, graphs_of, rewards_of
from gengraph.models.molgan.config import MolGANConfig, capabilities
from gengraph.models.molgan.energy import Features, energy_score
from gengraph.models.molgan.network import Dense, Generator, Judge, Valences, chosen, lower, one_hot
from gengraph.models.numbers import Numbers

_JUDGED = 256  # generated graphs that validation graphs are compared with
_JUDGED_SEED = 1 << 62
_DRIFT = 1e-3  # weight of the critic's squared scores, which keeps them near 0
_CELLS = 1 << 19  # entries of matrices that are drawn together


@dataclass(frozen=True, slots=True)
class Batch:
    """Graphs as classes; larger ones than the training graphs, which a validation part may have, widen it.

    Attributes:
        graph: int64[B].
        num_nodes: of all.
        classes: int64[B, n] and int64[B, P].
        losses_of_data: nothing is lost.
    """

    graph: Int64Array
    num_nodes: int
    classes: Classes
    losses_of_data: Mapping[str, int] = field(default_factory=dict)


class MolGANModel(nn.Module):
    """The players.

    Args:
        config: of the model.
        facts: from `MolGAN.prepare`, with the schema of the labels.
    """

    valences: Tensor
    orders: Tensor

    def __init__(self, config: MolGANConfig, facts: Facts) -> None:
        super().__init__()
        self.config, self.largest = config, int(facts["max_num_node"])
        self.schema = labels_of(facts)
        self.kinds = self.schema.num_kinds
        self.generator = Generator(
            config, self.largest, facts["of_nodes"], facts["of_pairs"], has_edges=bool(facts["has_edges"])
        )
        self.critic = Judge(config, self.kinds, 1, config.pack)
        if config.reward:
            from gengraph.rewards.find import find_reward

            self.value, self.score = Judge(config, self.kinds, 1), find_reward(config.reward)
        with torch.no_grad():
            for name, value in self.named_parameters():
                if not name.startswith("generator."):
                    value.div_(config.judge_rate)  # see _judge
        self.features = Features(self.kinds)
        for name in ("valences", "orders"):
            self.register_buffer(name, torch.tensor([0, *facts[name]]), persistent=False)
        self.masked = bool(facts["valences"])

    def encoder(self, graphs: GraphSet) -> Encoder:
        """What makes batches; nothing random is in them.

        Raises:
            InputError: they have other labels than those that the model knows.
        """
        known = graphs.relabelled(self.schema) if len(graphs) else graphs

        def encoded(indices: Int64Array, key: tuple[int, int]) -> Batch:
            del key
            own = known[indices]
            n = max(self.largest, int(own.num_nodes.max(initial=0)))
            return Batch(indices, int(own.num_nodes.sum()), classes_of(own, n))

        return encoded

    def forward(self, batch: Batch, progress: float) -> Loss:
        """The energy score of the graphs, with the gradient of the game."""
        del progress
        device, dtype = self.generator.nodes.weight.device, self.generator.nodes.weight.dtype
        nodes, pairs = (torch.from_numpy(array).to(device) for array in (batch.classes.nodes, batch.classes.pairs))
        real = one_hot(nodes, pairs, self.kinds, dtype)
        units = {"graph": len(batch.graph), "node": batch.num_nodes}
        features = self.features(real)
        if not self.training:
            return Loss(energy_score(features, self._judged()).sum(), units)
        latent = torch.randn(len(nodes), self.config.latent_size, device=device, dtype=dtype)
        logits = self.generator(latent)
        noise = [-(-torch.rand_like(part).clamp(1e-9, 1).log()).clamp(min=1e-9).log() for part in logits]
        drawn, seen = self._generated(logits, noise)
        with torch.no_grad():
            total = energy_score(features, self.features(one_hot(*drawn, self.kinds, dtype))).sum()
        game, parts = self._game(real, seen, drawn, features)
        return Loss(total + (game - game.detach()), units, parts)

    def _generated(self, logits: tuple[Tensor, Tensor], noise: list[Tensor]) -> tuple[tuple[Tensor, Tensor], Dense]:
        """The classes of generated graphs, and the dense graphs that the critic sees, with gradients."""
        config = self.config
        nodes, pairs = (part + config.noise * own for part, own in zip(logits, noise, strict=True))
        of_node, of_pair, masked = chosen(nodes, pairs, self._limits())
        if config.discretise == "softmax":
            soft = [torch.softmax(part, -1)[..., 1:] for part in logits]
        else:
            soft = [torch.softmax(part / config.softness, -1)[..., 1:] for part in (nodes, masked)]
        if config.discretise == "straight-through":
            hard = one_hot(of_node, of_pair, self.kinds, soft[0].dtype)
            soft = [own + (part - part.detach()) for own, part in zip((hard.nodes, hard.pairs), soft, strict=True)]
        rows, columns = lower(self.largest)
        there = soft[0].sum(-1)
        return (of_node, of_pair), Dense(soft[0], soft[1] * (there[:, rows] * there[:, columns])[..., None])

    def _game(
        self, real: Dense, seen: Dense, drawn: tuple[Tensor, Tensor], features: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What has the gradients of all players, and what each has lost."""
        config, leaf = self.config, seen.leaf()
        critic = self._judge("critic")
        real_score, leaf_score = critic(real), critic(leaf)
        gap = (real_score - leaf_score)[:, 0]
        share = torch.rand(len(gap), device=gap.device, dtype=gap.dtype)
        between = real.mixed(leaf, share).leaf()
        slope = between.gradient(critic(between), create_graph=True)
        steep = ((slope.dot(slope) + 1e-12).sqrt() - 1) ** 2
        judged = -gap.sum() + config.penalty * steep.sum() + _DRIFT * (real_score**2).sum()
        upwards = leaf.gradient(leaf_score)
        game, parts = judged, {"critic_gap": gap.sum().detach(), "steepness": steep.sum().detach()}
        if config.energy:
            apart = energy_score(features, self.features(leaf)).sum()
            upwards = _balanced(upwards, leaf.gradient(-apart), config.energy)
        if config.reward:
            rewards = self._rewards(drawn)
            guessed = self._judge("value")(leaf)[:, 0]
            game = game + ((guessed - rewards) ** 2).sum()
            towards = leaf.gradient(guessed)
            upwards = _balanced(upwards, towards, config.reward_weight)
            parts["reward"] = rewards.sum()
        return game - seen.dot(upwards).sum(), parts

    def _limits(self) -> Valences | None:
        return Valences(self.valences, self.orders) if self.masked else None

    def _judge(self, name: str) -> Callable[[Dense], Tensor]:
        """A judge whose weights are `judge_rate` times its parameters, so that they change so many times as fast."""
        judge, rate = getattr(self, name), self.config.judge_rate
        weights = {name: rate * value for name, value in judge.named_parameters()}
        return lambda graphs: functional_call(judge, weights, (graphs,))

    def _rewards(self, drawn: tuple[Tensor, Tensor]) -> Tensor:
        graphs, _ = graphs_of(Classes(*(part.cpu().numpy() for part in drawn)), self.schema)
        return torch.from_numpy(rewards_of(self.score, graphs)).to(self.generator.nodes.weight)

    def _judged(self) -> Tensor:
        """float[G, F], the numbers of generated graphs that are the same for all batches."""
        indices = np.arange(_JUDGED)
        drawn = self.draw(Numbers.of(_JUDGED_SEED, indices, indices), 1.0)
        found: Tensor = self.features(one_hot(*drawn, self.kinds, self.generator.nodes.weight.dtype))
        return found

    def draw(self, numbers: Numbers, temperature: float) -> tuple[Tensor, Tensor]:
        """The classes int64[B, n] and int64[B, P] of graphs that belong to random numbers."""
        weight, count = self.generator.nodes.weight, self.config.latent_size
        latent = torch.from_numpy(numbers.normals(0, count)).to(weight)
        scores = []
        for part in self.generator(latent):
            size = part[0].numel()
            uniforms = torch.from_numpy(numbers.uniforms(count, size)).to(weight).view_as(part)
            scores.append(part - self.config.noise * temperature * (-(uniforms + 2.0**-54).log()).log())
            count += size
        of_node, of_pair, _ = chosen(scores[0], scores[1], self._limits())
        return of_node, of_pair

    def sampler(self, decoding: Decoding) -> Sampler:
        """What draws graphs.

        Raises:
            InputError: another end than the generator's, or a constraint.
        """
        check_decoding(decoding, capabilities(self.config), "molgan")
        return MolGANSampler(self, decoding)


def _balanced(first: Dense, second: Dense, share: float) -> Dense:
    """Two gradients together, the second as long as the first, by the share of it."""
    lengths = [float(part.dot(part).sum().sqrt()) for part in (first, second)]
    scale = lengths[0] / max(lengths[1], 1e-12)
    return Dense(
        *((1 - share) * one + share * scale * two for one, two in ((first.nodes, second.nodes), (first.pairs, second.pairs)))
    )


class MolGANSampler:
    """Draws latents and the classes of all places and pairs, in float64."""

    def __init__(self, model: MolGANModel, decoding: Decoding) -> None:
        self._model, self._decoding = copy.deepcopy(model).double().eval(), decoding

    @torch.inference_mode()
    def draw(self, indices: Int64Array, attempts: Int64Array, *, seed: int) -> Iterator[Drawn]:
        """Draw one graph for each pair of index and attempt, some at a time."""
        model = self._model
        for places, numbers in Numbers.of(seed, indices, attempts).parts(max(1, _CELLS // model.largest**2)):
            drawn = model.draw(numbers, self._decoding.temperature)
            classes = Classes(*(part.cpu().numpy() for part in drawn))
            graphs, cut = graphs_of(classes, model.schema, self._decoding.max_num_node)
            yield Drawn(places, graphs, cut)
