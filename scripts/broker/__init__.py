"""Finding a RabbitMQ for a command to use.

    supervise   the order of choice, the command's life, signals
    probe       does RabbitMQ answer at this address?
    node        a private rabbitmq-server
    container   a private RabbitMQ in Docker
    package     installing the system's rabbitmq-server package
    control     `scripts/broker-ctl`: faults on purpose, for tests

Only the standard library is used: these run before anything is installed.
"""
