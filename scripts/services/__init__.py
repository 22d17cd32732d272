"""What private brokers and databases have in common.

    command     the command that they are for: its life, its signals, its exit code
    processes   programs that never outlive us
    folders     folders of a run's own, swept after those that were killed
    ports       ports that nobody uses now
    waiting     asking until something is so
    apt         installing a package of Debian's
    urls        addresses as they may be shown
    errors      what can go wrong, as sentences

Only the standard library is used: these run before anything is installed.
"""
