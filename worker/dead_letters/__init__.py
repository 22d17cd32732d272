"""Dead letters: what they hold, and looking at, replaying and discarding them."""
