"""RabbitMQ, by aio-pika: connections, topology, publishing, consuming, and what a frame says."""
