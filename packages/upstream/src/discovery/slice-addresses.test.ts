import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { EndpointSlice, SliceEndpoint } from "@outrigger/core/kubernetes";
import { parseServiceName, placesOf } from "./slice-addresses.ts";

type Conditions = SliceEndpoint["conditions"];
const at = (address: string, conditions?: Conditions): SliceEndpoint => ({
  addresses: [address],
  conditions,
});
const slice = (endpoints: SliceEndpoint[] | null, more: Partial<EndpointSlice> = {}): EndpointSlice => ({
  metadata: { name: "s" },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  ...more,
  endpoints,
});
const texts = (slices: EndpointSlice[], wanted: number | string = "http"): string[] => {
  const { v4, v6 } = placesOf(slices, wanted);
  return [...v4, ...v6].map(({ address, port }) => `${address} ${port}`);
};

describe("a Service's addresses", () => {
  it("are those of all its slices together, each once", () => {
    assert.deepEqual(
      texts([
        slice([at("10.0.0.2"), at("10.0.0.1")]),
        slice([at("10.0.0.2"), at("10.0.0.3")]),
        slice([at("fd00::1")], { addressType: "IPv6" }),
        slice(null),
      ]),
      ["10.0.0.1 8080", "10.0.0.2 8080", "10.0.0.3 8080", "fd00::1 8080"],
    );
  });

  it("take a nil condition for ready, and leave out what is not", () => {
    assert.deepEqual(
      texts([
        slice([
          at("10.0.0.1"),
          at("10.0.0.2", null),
          at("10.0.0.3", {}),
          at("10.0.0.4", { ready: null }),
          at("10.0.0.5", { ready: true }),
          at("10.0.0.6", { ready: false }),
          at("10.0.0.7", { ready: false, serving: true, terminating: true }),
        ]),
      ]),
      [1, 2, 3, 4, 5].map((last) => `10.0.0.${last} 8080`),
    );
  });

  it("are those that serve while they terminate where none is ready, in any slice", () => {
    const leaving = slice([
      at("10.0.0.1", { ready: false, serving: true, terminating: true }),
      at("10.0.0.2", { ready: false, serving: null, terminating: true }),
      at("10.0.0.3", { ready: false, serving: false, terminating: true }),
      at("10.0.0.4", { ready: false, serving: true, terminating: false }),
      at("10.0.0.5", { ready: false }),
    ]);
    assert.deepEqual(texts([leaving]), ["10.0.0.1 8080", "10.0.0.2 8080"]);
    assert.deepEqual(texts([leaving, slice([at("10.0.0.9")])]), ["10.0.0.9 8080"]);
  });

  it("count an address that moves from one slice to another where either says that it is ready", () => {
    const [ready, not] = [
      slice([at("10.0.0.1", { ready: true })]),
      slice([at("10.0.0.1", { ready: false })]),
    ];
    assert.deepEqual(texts([ready, not]), ["10.0.0.1 8080"]);
    assert.deepEqual(texts([not, ready]), ["10.0.0.1 8080"]);
  });

  it("have the port of that name, which may be another number in another slice", () => {
    const blue = slice([at("10.0.0.1")], {
      ports: [
        { name: "http", port: 1 },
        { name: "admin", port: 2 },
      ],
    });
    const green = slice([at("10.0.0.2")], { ports: [{ name: "http", port: 3 }] });
    assert.deepEqual(texts([blue, green]), ["10.0.0.1 1", "10.0.0.2 3"]);
    assert.deepEqual(texts([blue, green], "admin"), ["10.0.0.1 2"]);
    assert.deepEqual(texts([blue, green], "none"), []);
  });

  it("have the pods' port of that number, or their only one, which the Service's number stands for", () => {
    const two = slice([at("10.0.0.1")], {
      ports: [
        { name: "a", port: 1 },
        { name: "b", port: 2 },
      ],
    });
    assert.deepEqual(texts([two], 2), ["10.0.0.1 2"]);
    assert.deepEqual(texts([two], 80), []);
    assert.deepEqual(texts([slice([at("10.0.0.1")])], 80), ["10.0.0.1 8080"]);
    const udp = { name: "dns", port: 53, protocol: "UDP" };
    assert.deepEqual(texts([slice([at("10.0.0.1")], { ports: [udp, { name: "", port: 9 }] })], 80), [
      "10.0.0.1 9",
    ]);
    assert.deepEqual(texts([slice([at("10.0.0.1")], { ports: [udp] })], 53), []);
    assert.deepEqual(texts([slice([at("10.0.0.1")], { ports: [{ name: "", port: null }] })], 81), [
      "10.0.0.1 81",
    ]);
    assert.deepEqual(texts([slice([at("10.0.0.1")], { ports: null })], 80), []);
  });

  it("are only IP addresses of the slice's family, the first of each endpoint", () => {
    assert.deepEqual(
      texts([
        slice([at("pod.example")], { addressType: "FQDN" }),
        slice([at("fd00::1"), at("nonsense"), { addresses: [] }, { addresses: ["10.0.0.1", "10.0.0.2"] }]),
      ]),
      ["10.0.0.1 8080"],
    );
  });

  it("are the same however the endpoints are spread over slices", () => {
    const endpoint = fc.record({
      address: fc.nat(20).map((last) => `10.0.0.${last}`),
      ready: fc.constantFrom(true, null, undefined),
      slice: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(endpoint), (endpoints) => {
        const slices = [0, 1, 2, 3].map((index) =>
          slice(
            endpoints
              .filter((each) => each.slice === index)
              .map(({ address, ready }) => at(address, { ready })),
          ),
        );
        const one = slice(endpoints.map(({ address, ready }) => at(address, { ready })));
        assert.deepEqual(texts(slices), texts([one]));
      }),
    );
  });
});

describe("a Service's name", () => {
  it("has a namespace or not, and may be written as DNS has it", () => {
    for (const [host, service, namespace] of [
      ["catalog", "catalog", null],
      ["catalog.shop", "catalog", "shop"],
      ["catalog.shop.svc", "catalog", "shop"],
      ["catalog.shop.svc.cluster.local.", "catalog", "shop"],
    ] as const)
      assert.deepEqual(parseServiceName(host), { service, namespace }, host);
    for (const host of ["_http._tcp.catalog", "catalog.example.com", "Catalog", "-a", "a..b", ""])
      assert.equal(parseServiceName(host), null, host);
  });
});
