import { expect, test } from "bun:test";
import { limits } from "./limits.ts";
import { Peers } from "./peers.ts";

function bench() {
  const story: string[] = [];
  const peers = new Peers((node, silent) => story.push(`${node} ${silent ? "silent" : "heard"}`));
  const told = (): string[] => story.splice(0);
  const beats = (count: number): string[] => {
    for (let i = 0; i < count; i++) peers.beat();
    return told();
  };
  return { peers, beats, told };
}

test("one that misses a few beats is silent until it is heard again, and told of once each", () => {
  const { peers, beats, told } = bench();
  peers.hear("d1");
  peers.hear("d1");
  expect(told()).toEqual(["d1 heard"]);
  expect(beats(limits.aliveMissedMax - 1)).toEqual([]);
  expect(peers.heard).toEqual(["d1"]);
  expect(beats(10)).toEqual(["d1 silent"]);
  expect(peers.heard).toEqual([]);
  peers.hear("d1");
  expect(told()).toEqual(["d1 heard"]);
  expect(beats(limits.aliveMissedMax)).toEqual(["d1 silent"]);
});

test("one that goes on talking is never silent, whatever others do", () => {
  const { peers, beats, told } = bench();
  peers.hear("d2");
  peers.hear("d1");
  expect(peers.heard).toEqual(["d1", "d2"]);
  told();
  for (let i = 0; i < 20; i++) {
    peers.hear("d1");
    expect(beats(limits.aliveMissedMax - 1)).toEqual(i === 1 ? ["d2 silent"] : []);
  }
  expect(peers.heard).toEqual(["d1"]);
});

test("one that leaves is silent at once, and heard again when it comes back", () => {
  const { peers, beats, told } = bench();
  peers.hear("d1");
  told();
  peers.leave("d1");
  peers.leave("d1");
  peers.leave("stranger");
  expect(told()).toEqual(["d1 silent"]);
  expect(beats(3)).toEqual([]);
  peers.hear("d1");
  expect(told()).toEqual(["d1 heard"]);
});

test("names are bounded, and those of the long gone make room", () => {
  const { peers, beats } = bench();
  for (let i = 0; i <= limits.peersMax; i++) peers.hear(`d${i}`);
  expect(peers.heard).toHaveLength(limits.peersMax);
  beats(100);
  peers.hear("new");
  expect(peers.heard).toEqual(["new"]);
});
