/** A plan as text for a terminal. */
import { limits } from "../core/limits.ts";
import type { Coefficients } from "./coefficients.ts";
import { type Audience, fullAt, type Machine, type Plan } from "./model.ts";

const scales = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** A number with three digits and a letter: 18M, 2.13k, 0.42. */
export function short(value: number): string {
  const [scale, letter] = scales.find(([each]) => value >= each) ?? [1, ""];
  return `${Number((value / scale).toPrecision(3))}${letter}`;
}

const counted = (count: number, what: string): string => `${short(count)} ${what}${count === 1 ? "" : "s"}`;
const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** The plan, line by line, ending in a line break. */
export function planText(audience: Audience, machine: Machine, costs: Coefficients, plan: Plan): string {
  const { frontend, dispatcher, polls, withoutCaches, cost, first, talk } = plan;
  const { uses } = frontend;
  const lines = [
    `${counted(audience.viewers, "viewer")} of ${counted(audience.videos, "video")}, ` +
      `${counted(audience.regions, "region")}, ${short(audience.likes)} taps and ` +
      `${short(audience.comments)} comments a second`,
    "",
    ...aloneLines(plan),
    `frontends    ${plan.frontends}, ${counted(frontend.viewers, "viewer")} each, ` +
      `totals every ${Math.round(frontend.windowMs)} ms${atSecond(plan)}`,
    `             memory ${short(frontend.memoryBytes)}B (${percent(uses.memory)}), ` +
      `cores ${frontend.cores.toFixed(2)} of ${machine.cores} (${percent(uses.cores)}), ` +
      `network ${short(frontend.bitsPerS)}bit/s (${percent(uses.network)}), streams ${percent(uses.streams)}`,
    `             ${short(frontend.writesPerS)} writes a second, ` +
      `${plan.writesPerViewerPerS.toFixed(2)} to each viewer`,
    `dispatchers  ${plan.dispatchers}, ${dispatcher.cores.toFixed(2)} cores each, ` +
      `memory ${short(dispatcher.memoryBytes)}B`,
    `NATS         ${plan.nats} servers, ${short(plan.busPerS)} messages a second`,
    `to viewers   ${short(plan.bitsPerS)}bit/s`,
  ];
  if (polls.atCaches > 0) {
    lines.push(
      `polls        ${short(polls.atCaches)}/s at the caches, ${short(polls.atNodes)}/s at the nodes` +
        (withoutCaches ? `; all with a stream: ${counted(withoutCaches.frontends, "frontend")}` : ""),
    );
  }
  if (cost.nodes + cost.traffic > 0) {
    lines.push(`an hour      ${short(cost.nodes)} for nodes, ${short(cost.traffic)} for traffic`);
  }
  const withCaches =
    audience.streamShare < 1 ? `, ${short(talk.frontendsWithCaches)} of them where the others poll` : "";
  lines.push(
    `runs out     ${first.what}, at ×${first.at.toFixed(2)} of this audience on these nodes`,
    "",
    `As the talk counts (100,000 connections a frontend, 5,000 events a second a dispatcher): ` +
      `${counted(talk.frontends, "frontend")}${withCaches}, ${counted(talk.dispatchers, "dispatcher")}.`,
    "Of server processes alone: memory as resident (RSS), with the keys of likes of " +
      `${limits.keyWindowMs / 1_000} s; cores as the`,
    "kernel counts them; bits with the headers of TCP, IP and Ethernet, outward.",
    `Nodes are filled to ${percent(fullAt)}. Coefficients: ${costs.of}.`,
  );
  return `${lines.join("\n")}\n`;
}

function atSecond({ frontends, frontendsAtSecond }: Plan): string {
  if (frontendsAtSecond === undefined || frontendsAtSecond === frontends) return "";
  return `; ${short(frontendsAtSecond)} with --tick=1s`;
}

/** What a process alone takes, as `ovation serve` starts it: nobody needs a cluster for a few. */
function aloneLines({ alone }: Plan): string[] {
  if (!alone) return ["alone        more than one process without NATS is good for", ""];
  return [
    `alone        one process without NATS: memory ${short(alone.memoryBytes)}B, ` +
      `cores ${alone.cores.toFixed(2)}, to viewers ${short(alone.payloadBytesPerS)}B/s ` +
      `(with headers ${short(alone.bitsPerS / 8)}B/s),`,
    `             totals every ${Math.round(alone.windowMs)} ms`,
    "",
  ];
}
