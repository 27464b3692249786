/** All faults, folder by folder. */
import { api } from "./api.ts";
import { client } from "./client.ts";
import { cold } from "./cold.ts";
import { core } from "./core.ts";
import { dispatcher } from "./dispatcher.ts";
import { docs } from "./docs.ts";
import { fanout } from "./fanout.ts";
import { http } from "./http.ts";
import { ledger } from "./ledger.ts";
import { life } from "./life.ts";
import { log } from "./log.ts";
import { ops } from "./ops.ts";
import type { Mutant } from "./plant.ts";
import { timeline } from "./timeline.ts";
import { trust } from "./trust.ts";
import { video } from "./video.ts";
import { walk } from "./walk.ts";
import { workers } from "./workers.ts";

export const mutants: readonly Mutant[] = [
  ...core,
  ...ledger,
  ...log,
  ...dispatcher,
  ...video,
  ...fanout,
  ...walk,
  ...trust,
  ...http,
  ...workers,
  ...client,
  ...docs,
  ...timeline,
  ...api,
  ...ops,
  ...life,
  ...cold,
];
