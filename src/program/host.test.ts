/** Each judgement about a machine: well as it should be, and warned of when it is not. */
import { expect, test } from "bun:test";
import { type HostReadings, judge, linesText } from "./host.ts";

const well: HostReadings = {
  descriptors: 300_000,
  kernel: {
    "net.core.somaxconn": "65535",
    "net.ipv4.tcp_max_syn_backlog": "65535",
    "net.ipv4.tcp_notsent_lowat": "16384",
    "net.ipv4.tcp_wmem": "4096\t16384\t65536",
    "net.ipv4.tcp_rmem": "4096\t16384\t131072",
    "net.ipv4.tcp_retries2": "7",
    "net.ipv4.tcp_slow_start_after_idle": "0",
  },
  ports: [{ at: "0.0.0.0:8080", trouble: undefined }],
  memory: { bytes: 2 ** 31, from: "the machine" },
  clock: "chronyd",
  data: { path: "./d", trouble: undefined, freeBytes: 2 ** 33 },
  certificates: [{ flag: "--tls-cert", path: "c", fromMs: 0, toMs: 100 * 86_400_000, trouble: undefined }],
  nats: { trouble: undefined, version: "2.9.10", payloadBytesMax: 2 ** 20, streams: ["ov_likes"] },
  foreign: [],
  wanted: { streams: 250_000, holders: 1, memoryMaxBytes: 0 },
  nowMs: 86_400_000,
};

const certificateOf = (change: object) => [{ ...(well.certificates[0] as object), ...change }] as never;
const natsOf = (change: object) => ({ ...(well.nats as object), ...change }) as never;

test("a machine that is as it should be has nothing to be told", () => {
  expect(judge(well).filter(({ ok }) => !ok)).toEqual([]);
  expect(linesText(judge(well))).toMatch(/^(OK {4}[^\n]+\n)+$/);
});

test.each<[string, Partial<HostReadings>, string]>([
  ["BUN_OPTIONS", { foreign: ["BUN_OPTIONS"] }, "unset it"],
  ["descriptors", { descriptors: 20_000 }, "LimitNOFILE=251000"],
  ["net.core.somaxconn", { kernel: { "net.core.somaxconn": "128" } }, "90-ovation.conf"],
  ["net.ipv4.tcp_wmem", { kernel: { "net.ipv4.tcp_wmem": "4096 16384 4194304" } }, "90-ovation.conf"],
  ["net.ipv4.tcp_notsent_lowat", { kernel: { "net.ipv4.tcp_notsent_lowat": "4294967295" } }, "sysctl"],
  ["port :80", { ports: [{ at: ":80", trouble: "in use" }] }, "--port"],
  ["memory", { memory: { bytes: 2 ** 27, from: "its control group" } }, "256 MB"],
  ["memory", { wanted: { ...well.wanted, memoryMaxBytes: 2 ** 40 } }, "lower it"],
  ["clock", { clock: undefined }, "chrony"],
  ["--data=./d", { data: { ...well.data, trouble: "is read-only" } }, "may write"],
  ["--data=./d", { data: { ...well.data, freeBytes: 2 ** 20 } }, "gigabyte"],
  ["--tls-cert=c", { nowMs: 99 * 86_400_000 }, "renew it"],
  ["--tls-cert=c", { nowMs: 101 * 86_400_000 }, "renew it"],
  ["--tls-cert=c", { certificates: certificateOf({ fromMs: 2 * 86_400_000 }) }, "clock"],
  ["--tls-cert=c", { certificates: certificateOf({ trouble: "another's key" }) }, "belong together"],
  ["NATS", { nats: { trouble: "cannot be reached" } }, "--nats"],
  ["NATS", { nats: natsOf({ version: "2.8.4" }) }, "2.9 or newer"],
  ["NATS max_payload", { nats: natsOf({ payloadBytesMax: 65_536 }) }, "max_payload: 1048576"],
  ["NATS JetStream", { nats: natsOf({ jetstream: "not enabled" }) }, "store_dir"],
  ["NATS permissions", { nats: natsOf({ denied: ["to ask"] }) }, "docs/cluster.md"],
])("%s is warned of", (name, change, remedy) => {
  const wrong = judge({ ...well, ...change }).filter(({ ok }) => !ok);
  expect(wrong.map((line) => line.name)).toEqual([name]);
  expect(wrong[0]?.remedy).toContain(remedy);
});

test("what cannot be known is not warned of, and a dispatcher needs no streams", () => {
  const little = { descriptors: undefined, kernel: {}, clock: "container" };
  expect(judge({ ...well, ...little }).filter(({ ok }) => !ok)).toEqual([]);
  const wanted = { ...well.wanted, holders: 0 };
  expect(judge({ ...well, descriptors: 1_024, kernel: {}, wanted }).filter(({ ok }) => !ok)).toEqual([]);
});
