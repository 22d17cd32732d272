"""The commands of `kit-worker`, one file each: what they accept and what they print.

What they do lies in the packages below: `worker.ops`, `worker.accounts.preview`,
`worker.dead_letters.operations`, … What several commands share is in `common`, `exits` and `output`.
"""
