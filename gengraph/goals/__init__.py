"""Training towards a goal: a trained model learns to draw graphs of a higher reward.

- config: what is rewarded and how it is learned; trainer: the loop; adversary: what tells drawn graphs from training graphs;
  found: the best graphs so far; run: the folder of such a training.
"""
