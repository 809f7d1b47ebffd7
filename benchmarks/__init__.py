"""The MMD benchmark: fit, sample and score every model on every data set."""
