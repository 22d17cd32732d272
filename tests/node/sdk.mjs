// Publishes two events as the official CloudEvents SDK writes them, binary and structured, through amqplib.
//
//     node sdk.mjs EXCHANGE NAME

import amqp from "amqplib";
import { CloudEvent, HTTP } from "cloudevents";

const [exchange, name] = process.argv.slice(2);
const connection = await amqp.connect(process.env.AMQP_URL);
const channel = await connection.createConfirmChannel();

for (const mode of ["binary", "structured"]) {
  const email = `${name}-${mode}@example.com`;
  const { headers, body } = HTTP[mode](
    new CloudEvent({
      id: `e-${name}-${mode}`,
      source: "/platform",
      type: "subscription.started",
      time: "2026-07-01T10:00:00.250Z",
      sequence: "7",
      data: { user: { email, first_name: "Zoë" }, subscription: { plan: "Annual" } },
    }),
  );
  channel.publish(exchange, "subscription.started", Buffer.from(body), { headers, persistent: true, mandatory: true });
}
await channel.waitForConfirms();
await connection.close();
