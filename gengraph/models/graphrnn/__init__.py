"""GraphRNN, GraphRNN-S and GraphRNN-C: one family with three heads."""
