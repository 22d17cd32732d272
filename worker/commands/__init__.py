"""The commands of `kit-worker`, one module each: what they accept and what they print.

What they do lies elsewhere: `worker.app`, `worker.accounts.preview`, `worker.dead_letters.operations`, …
"""
