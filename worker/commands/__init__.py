"""The commands of `kit-worker`, one module each: what they accept and what they print.

What they do lies elsewhere: `worker.app`, `worker.preview`, `worker.dead_letters`, …
"""
