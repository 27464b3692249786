/**
 * `/asyncapi.json`: the events of the streams, as AsyncAPI 3.0, made from event-schemas.ts.
 *
 * A message's *payload* is the JSON of `data:`; its *headers* are the other fields of the block. What is
 * asked to get a stream is said by openapi.json. asyncapi.test.ts holds it.
 */
import { controlRoomEvents, type EventRow, videoEvents } from "./event-schemas.ts";
import { rows } from "./routes.ts";
import { tags } from "./row.ts";
import { schemas, videoId } from "./schemas.ts";

type Events = Readonly<Record<string, EventRow>>;

/** A stream, by the operation of openapi.json that opens it. */
const streams: Readonly<Record<string, Events>> = {
  streamVideo: videoEvents,
  streamVideos: videoEvents,
  streamControlRoom: controlRoomEvents,
};

/** The document, as JSON text. `at`: the path under which the routes are mounted, "" for the root. */
export function asyncapi(version: string, at = ""): string {
  return JSON.stringify({
    asyncapi: "3.0.0",
    info: {
      title: "Ovation's events",
      version,
      description: "What a stream of Server-Sent Events says. How to ask for one is said by /openapi.json.",
      license: { name: "Apache-2.0" },
      tags: [{ name: "streams", description: tags.streams }],
    },
    defaultContentType: "application/json",
    servers: {
      ovation: {
        host: "{host}",
        ...(at !== "" && { pathname: at }),
        protocol: "https",
        description: "where this document came from; http without a certificate",
        variables: { host: { default: "127.0.0.1:8080", description: "name and port of the server" } },
      },
    },
    channels: Object.fromEntries(Object.entries(streams).map(([id, events]) => [id, channel(id, events)])),
    operations: Object.fromEntries(Object.keys(streams).map((id) => [id, operation(id)])),
    components: {
      messages: Object.fromEntries(
        Object.entries({ ...videoEvents, ...controlRoomEvents }).map(([name, row]) => [
          name,
          message(name, row),
        ]),
      ),
      schemas: { SaidComment: schemas.SaidComment },
    },
  });
}

function channel(id: string, events: Events): object {
  const row = rows.find((candidate) => candidate.id === id);
  const path = row?.path.replace(/:([a-z]+)/g, "{$1}") ?? "";
  const names = Object.keys(events);
  return {
    address: path,
    description: row?.summary,
    messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    ...(path.includes("{video}") && {
      parameters: { video: { description: `a video's id, ${videoId.pattern}` } },
    }),
  };
}

function operation(id: string): object {
  return {
    action: "send",
    description: "Sent for as long as the stream is open; a client passes over those it does not know.",
    channel: { $ref: `#/channels/${id}` },
    bindings: { http: { method: "GET", bindingVersion: "0.3.0" } },
  };
}

function message(name: string, { about, id, payload }: EventRow): object {
  const idField = { type: "string", description: `the field \`id:\`, at which a stream resumes: ${id}` };
  return {
    name,
    title: name,
    summary: about,
    headers: {
      type: "object",
      properties: { event: { const: name }, ...(id !== "never" && { id: idField }) },
      required: id === "always" ? ["event", "id"] : ["event"],
    },
    payload,
  };
}
