"""The demo: a real broker, a real worker process, a stand-in for Kit, and a dozen events of invented people.

::

    story   what happens, and what should come of it
    process the worker, in a process of its own
    stage   sandbox, worker and broker, set up and cleaned away
    play    plays the story: publishes, looks up what became of each event, and notes what changed
"""
