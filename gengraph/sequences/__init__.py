"""Graphs as sequences: node orderings, adjacency rows and the batches that the models read."""
