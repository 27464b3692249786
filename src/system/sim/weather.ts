/** What the world does to a simulated cluster by itself: sets walls, and takes leaders from lanes. */
import type { Prng } from "../../base/prng.ts";
import type { Cluster } from "./cluster.ts";
import { commentLane } from "./log.ts";

/** How far walls are set, in ms: slewed, stepped by NTP, put right by hand, set to another zone. */
const wallSteps: readonly (readonly [least: number, most: number])[] = [
  [-500, 500],
  [-60_000, -1_000],
  [1_000, 300_000],
  [-3_600_000, 3_600_000],
];

/** Does something now and then; answers what, for the count of what happened. */
export function blow(cluster: Cluster, weather: Prng): "set" | "leaderless" | undefined {
  const chance = weather.next();
  if (chance < 0.03) {
    setWall(cluster, weather);
    return "set";
  }
  if (chance >= 0.04) return undefined;
  cluster.log.lose(weather.between(0, commentLane), weather.between(500, 8_000));
  return "leaderless";
}

/** Sets the wall of a machine, as an operator, NTP or a hypervisor does. */
function setWall({ log, nodes }: Cluster, weather: Prng): void {
  const machines = [log.machine, ...[...nodes.values()].map(({ clock }) => clock)];
  const [least, most] = wallSteps[weather.between(0, wallSteps.length - 1)] ?? [0, 0];
  machines[weather.between(0, machines.length - 1)]?.setWall(weather.between(least, most));
}
