"""The platform's side: the contract of the events, and publishing them."""
