/**
 * What a moderator works at: any video found, the one chosen moderated, and who is muted or banned; the same
 * for whoever has the admin key and for whoever may only moderate.
 */
import { createCall } from "./calls.ts";
import { createFind } from "./find.ts";
import { createModeration } from "./moderation.ts";
import { createPeople } from "./people.ts";

export interface Desk {
  readonly find: HTMLElement;
  readonly moderation: HTMLElement;
  readonly people: HTMLElement;
  choose(video: string): void;
}

/** `chosen` hears of a video that was found. */
export function createDesk(key: string, chosen: (video: string) => void): Desk {
  const call = createCall(key);
  const find = createFind(call, chosen);
  const people = createPeople(call, (holding) => moderation.holds(holding));
  const moderation = createModeration({
    ...{ key, call },
    decided: () => void people.read(),
    changed: () => find.read(),
  });
  return {
    find: find.element,
    moderation: moderation.element,
    people: people.element,
    choose(video) {
      find.choose(video);
      moderation.choose(video);
      people.choose(video);
    },
  };
}
