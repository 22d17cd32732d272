"""The project's own tools: setting up, and finding or starting a RabbitMQ and a PostgreSQL for a command.

    install                     makes .venv
    with-broker                 rabbitmq: which one, a private node, a container
    with-postgres               postgres: which one, a private server
    broker-ctl, postgres-ctl    control: faults on purpose, on what those two started

Both rest on service (the life of a private service, and of the command that it is for), apt and machine
(processes, ports). Only the standard library is used: these run before anything is installed.
"""
