"""One account's queue at work: from a delivery to its ack."""
