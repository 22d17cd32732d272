"""Finding a RabbitMQ for a command to use.

supervise   the order of choice, and an end that leaves nothing behind
probe       does RabbitMQ answer at this address?
node        a private rabbitmq-server
container   a private RabbitMQ in Docker
package     installing the system's rabbitmq-server package
control     `scripts/broker-ctl`: faults on purpose, for tests
"""
