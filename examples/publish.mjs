// Publishes what happened to a member, as the platform should: persistent, mandatory and confirmed.
//
//     npm install amqplib
//     AMQP_URL=amqp://user:password@host/ node publish.mjs ann@example.com [APP]
//
// It ends with 0 once RabbitMQ has both events safely in the worker's queue, and with 1 where it has not.

import { randomUUID } from "node:crypto";
import amqp from "amqplib";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@localhost/";
const EXCHANGE = process.env.EVENTS_EXCHANGE ?? "platform.events";

// An event that happens now. Sent again, it keeps its id and time, and is known as a duplicate.
function event(type, data) {
  return { id: randomUUID(), type, time: new Date().toISOString(), data };
}

// Resolves once RabbitMQ has the event on disk; rejects where no queue takes it.
async function publish(channel, returned, event, app) {
  const key = app ? `${event.type}.${app}` : event.type;
  const body = Buffer.from(JSON.stringify(event));
  const options = { persistent: true, mandatory: true, contentType: "application/json", messageId: event.id };
  await new Promise((resolve, reject) => {
    channel.publish(EXCHANGE, key, body, options, (error) => (error ? reject(error) : resolve()));
  });
  // RabbitMQ returns what no queue takes before it confirms it.
  if (returned.delete(event.id)) {
    throw new Error(`no queue takes ${key}: has a worker run since, and is the app right?`);
  }
}

async function main(email, app) {
  const user = { id: `member-of-${email}`, email, first_name: "Ann" };
  const connection = await amqp.connect(AMQP_URL, { timeout: 10_000 });
  try {
    const channel = await connection.createConfirmChannel();
    const returned = new Set();
    channel.on("return", (message) => returned.add(message.properties.messageId));
    channel.on("error", () => {}); // whatever waits for the channel rejects, and says so
    await channel.checkExchange(EXCHANGE); // the worker declares it
    // One after the other: what belongs to one person stays in its order.
    await publish(channel, returned, event("user.signed_up", { user }), app);
    await publish(channel, returned, event("subscription.started", { user, subscription: { plan: "Annual" } }), app);
  } finally {
    await connection.close();
  }
}

try {
  await main(...process.argv.slice(2, 4));
} catch (error) {
  console.error(`RabbitMQ does not have it: ${error.message}`);
  process.exit(1);
}
