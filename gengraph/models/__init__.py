"""GraphRNN as plain torch modules with an exact log-likelihood."""
