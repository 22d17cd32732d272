"""`make bench`: this worker beside a plain and a FastStream consumer. docs/performance.md explains it.

::

    life, model   what happens to people, and what their Kit account should say afterwards: pure
    allowed   the fewest calls that a window over the queue allows: pure
    plain, streamed   the other consumers, programs of their own; single_calls is how they call Kit
    acker   aio-pika alone, which consumes, acks and does nothing else
    stand_in, queues, processes   the stand-in for Kit, RabbitMQ, and the programs that are measured
    consumers, bench   how each is started, and what all measurements share
    faster   what makes a worker's minute of Kit's limit shorter
    databases   a database for each that needs one
    rows   the measurements, each by itself, and the verdicts over them, which are pure
    figures, report   medians and the table: pure
    svg, charts   a bar chart, and those of the record: pure
    record   what docs hold of the last measurement
"""
