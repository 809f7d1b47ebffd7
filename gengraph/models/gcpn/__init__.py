"""GCPN: a policy on graphs that links a node to another or to a new one, bond by bond (You et al., NeurIPS 2018).

- family: what training, sampling and tuning know of it; config: section [model].
- states: partial graphs side by side, what may be done to them, and doing it.
- sequences: graphs as the actions that grow them; network: the policy; model: its likelihood; sampler: draws graphs.
"""

from gengraph.models.gcpn.family import GCPN

FAMILY = GCPN()

__all__ = ["FAMILY", "GCPN"]
