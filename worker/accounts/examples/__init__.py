"""An admin's own examples, `config/tests/*.yaml`: what happens to somebody, and what they then have. Pure."""
