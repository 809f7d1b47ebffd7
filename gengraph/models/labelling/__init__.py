"""Labels for the graphs of any family: p(labelled graph) = p(structure) p(labels | structure).

- config: section [labels]; decisions: the order in which a graph is labelled and what is known at each decision.
- network: the labeller; model: a family's model with it.
"""
