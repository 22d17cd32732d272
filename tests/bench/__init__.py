"""`make bench`: this worker against a plain consumer, over the same backlog. docs/benchmark.md explains it.

::

    life, model   what happens to people, and what their Kit account should say afterwards: pure
    plain   the plain consumer, a program of its own
    stand_in, queues, processes   the stand-in for Kit, RabbitMQ, and the programs that are measured
    settling, backlog_run, memory_run   the measurements
    figures, report   medians, aims and the table
"""
