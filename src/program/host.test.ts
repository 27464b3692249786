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
  ports: [{ flag: "port", host: "0.0.0.0", port: 8080, trouble: undefined }],
  memory: { bytes: 2 ** 31, from: "the machine" },
  clock: { by: "chronyd", withinMs: 12.5, isKnown: true, inContainer: false },
  madeMs: 0,
  data: { path: "./d", trouble: undefined, freeBytes: 2 ** 33 },
  certificates: [{ flag: "--tls-cert", path: "c", fromMs: 0, toMs: 100 * 86_400_000, trouble: undefined }],
  nats: { trouble: undefined, version: "2.9.10", payloadBytesMax: 2 ** 20, streams: ["ov_likes"] },
  foreign: [],
  wanted: { streams: 250_000, holders: 1, memoryMaxBytes: 0 },
  nowMs: 86_400_000,
};

const certificateOf = (change: object) => [{ ...(well.certificates[0] as object), ...change }] as never;
const natsOf = (change: object) => ({ ...(well.nats as object), ...change }) as never;

const portOf = (change: object) =>
  [{ ...(well.ports[0] as object), host: "::", port: 80, ...change }] as never;
const clockOf = (change: object) => ({
  ...{ by: undefined, withinMs: undefined, isKnown: true, inContainer: false, ...change },
});
const dataOf = (code: string) => ({ ...well.data, trouble: { code, at: "/d" } });

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
  [
    "port [::]:80",
    { ports: portOf({ trouble: "EADDRINUSE" }) },
    "ss -ltnp says, or take another with --port",
  ],
  ["port [::]:80", { ports: portOf({ trouble: "EACCES" }) }, "CAP_NET_BIND_SERVICE"],
  [
    "port [::]:80",
    { ports: portOf({ trouble: "EADDRNOTAVAIL", flag: "admin-port" }) },
    "--admin-host with one that ip addr lists",
  ],
  ["port [::]:80", { ports: portOf({ trouble: "unknown" }) }, "--host with an address of this machine"],
  ["port [::]:80", { ports: portOf({ trouble: "EODD" }) }, "--port, or --host"],
  ["memory", { memory: { bytes: 2 ** 27, from: "its control group" } }, "256 MB"],
  ["memory", { wanted: { ...well.wanted, memoryMaxBytes: 2 ** 40 } }, "lower it"],
  ["clock", { clock: clockOf({}) }, "chrony or systemd-timesyncd: tokens"],
  ["clock", { clock: clockOf({ inContainer: true }) }, "on this container's host"],
  ["clock", { madeMs: 2 * 86_400_000 }, "chrony"],
  ["--data=./d", { data: dataOf("EACCES") }, "chown"],
  ["--data=./d", { data: dataOf("EROFS") }, "ReadWritePaths="],
  ["--data=./d", { data: dataOf("ENOSPC") }, "gigabyte"],
  ["--data=./d", { data: dataOf("ENOTDIR") }, "/d is none"],
  ["--data=./d", { data: { ...well.data, freeBytes: 2 ** 20 } }, "gigabyte"],
  ["--tls-cert=c", { nowMs: 99 * 86_400_000 }, "renew it"],
  ["--tls-cert=c", { nowMs: 101 * 86_400_000 }, "renew it"],
  ["--tls-cert=c", { certificates: certificateOf({ fromMs: 2 * 86_400_000 }) }, "clock"],
  ["--tls-cert=c", { certificates: certificateOf({ trouble: { key: "k" } }) }, "belong together"],
  [
    "--tls-cert=c",
    { certificates: certificateOf({ trouble: { unreadable: "c", why: "ENOENT" } }) },
    "may read",
  ],
  ["NATS", { nats: { trouble: "cannot be reached" } }, "--nats"],
  ["NATS", { nats: natsOf({ version: "2.8.4" }) }, "2.9 or newer"],
  ["NATS max_payload", { nats: natsOf({ payloadBytesMax: 65_536 }) }, "max_payload: 1048576"],
  ["NATS JetStream", { nats: natsOf({ jetstream: "not enabled" }) }, "store_dir"],
  ["NATS permissions", { nats: natsOf({ denied: ["to ask"] }) }, "docs/cluster.md"],
  [
    "NATS stream a",
    { nats: natsOf({ amiss: [{ stream: "a", said: "is odd", remedy: "mend it" }] }) },
    "mend it",
  ],
])("%s is warned of", (name, change, remedy) => {
  const wrong = judge({ ...well, ...change }).filter(({ ok }) => !ok);
  expect(wrong.map((line) => line.name)).toEqual([name]);
  expect(wrong[0]?.remedy).toContain(remedy);
});

test("what cannot be known is not warned of, and a dispatcher needs no streams", () => {
  const clock = clockOf({ isKnown: false, inContainer: true });
  const little = { descriptors: undefined, kernel: {}, clock };
  expect(judge({ ...well, ...little }).filter(({ ok }) => !ok)).toEqual([]);
  const wanted = { ...well.wanted, holders: 0 };
  expect(judge({ ...well, descriptors: 1_024, kernel: {}, wanted }).filter(({ ok }) => !ok)).toEqual([]);
});
