/** Addresses: one text for one household, and headers believed only as far as our proxies wrote them. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { addressOf, forwardedFor, groupOf, isLoopback } from "./address.ts";

describe("groups", () => {
  test.each([
    ["1.2.3.4", "1.2.3.4"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["::ffff:102:304", "1.2.3.4"],
    ["0:0:0:0:0:ffff:0102:0304", "1.2.3.4"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["64:ff9b::1.2.3.4", "64:ff9b:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "::1"],
    ["::", "0:0:0:0::/64"],
  ])("%s is %s", (address, group) => expect(groupOf(address)).toBe(group));

  test.each(["", "localhost", "1.2.3", "1.2.3.4.5", "999.1.1.1", "g::1", "1.2.3.4, 5.6.7.8", "unknown"])(
    "%p is none",
    (text) => expect(groupOf(text)).toBeUndefined(),
  );

  test("any IPv6 address and its neighbour in the /64 are one; the next /64 is another", () => {
    const word = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 8, maxLength: 8 }),
        fc.array(word, { minLength: 4, maxLength: 4 }),
        (a, host) => {
          fc.pre(a.slice(0, 4).some((w) => w !== "0"));
          const other = [...a.slice(0, 4), ...host].join(":");
          expect(groupOf(other)).toBe(groupOf(a.join(":")));
          const next = [
            ...a.slice(0, 3),
            ((Number.parseInt(a[3] ?? "", 16) + 1) & 0xffff).toString(16),
            ...host,
          ];
          expect(groupOf(next.join(":"))).not.toBe(groupOf(a.join(":")));
        },
      ),
    );
  });

  test("loopback", () => {
    expect(["127.0.0.1", "127.9.8.7", "::1", "1.2.3.4", "::/64"].map(isLoopback)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("forwarding headers", () => {
  const peer = { requestIP: () => ({ address: "::ffff:10.0.0.1" }) };
  const from = (header: string | undefined, hops: number) =>
    addressOf(
      new Request("http://n/", { headers: header === undefined ? {} : { "x-forwarded-for": header } }),
      peer,
      hops,
    );

  test.each([
    ["not believed without a proxy of ours", "6.6.6.6", 0, "10.0.0.1"],
    ["one proxy: its own entry, not what the client put before it", "6.6.6.6, 1.2.3.4", 1, "1.2.3.4"],
    ["two proxies", "6.6.6.6, 1.2.3.4, 10.0.0.9", 2, "1.2.3.4"],
    ["fewer entries than proxies: it did not come through them", "6.6.6.6", 2, "10.0.0.1"],
    ["no header", undefined, 1, "10.0.0.1"],
    ["rubbish", "6.6.6.6, <script>", 1, "10.0.0.1"],
    ["a port", "1.2.3.4:5678", 1, "1.2.3.4"],
    ["IPv6 with a port", "[2001:db8:1:2::3]:443", 1, "2001:db8:1:2::/64"],
    ["mapped", "::ffff:1.2.3.4", 1, "1.2.3.4"],
  ])("%s", (_, header, hops, address) => expect(from(header, hops)).toBe(address));

  test("a header of any length costs little", () => {
    expect(forwardedFor(`${"1.1.1.1,".repeat(10_000)}1.2.3.4`, 1)).toBe("1.2.3.4");
  });
});
