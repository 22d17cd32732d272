"""The rows of the benchmark, each a module: `measure` measures, and `lines`, which is pure, judges."""
