"""Finding a PostgreSQL for a command to use.

supervise   the order of choice, and an end that leaves nothing behind
programs    where this system keeps PostgreSQL's programs, and who may run them
cluster     a private server with one database
probe       does PostgreSQL answer at this address?
package     installing the system's postgresql package
control     `scripts/postgres-ctl`: faults on purpose, for tests
"""
