"""The demo: a real broker, a real worker process, a stand-in for Kit, and a dozen events of invented people.

::

    story   what happens, and what should come of it
    stage   sandbox, worker process and broker, set up and cleaned away
    play    the story on the stage: publishes, waits for each outcome, and notes what changed
"""
