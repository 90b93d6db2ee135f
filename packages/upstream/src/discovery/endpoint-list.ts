/**
 * What a file of endpoints says: YAML or JSON, a list of `HOST:PORT*WEIGHT` texts or of mappings with `address` and `weight`, or
 * a mapping with that list under `endpoints`.
 */
import { OutriggerError } from "@outrigger/core";
import { parseYaml } from "@outrigger/core/yaml";
import * as z from "zod";
import { parseAddress, type Address } from "../endpoint/address.ts";

const entry = z.union([
  z.string(),
  z.strictObject({
    address: z.string(),
    weight: z.number().min(0).max(999_999).optional(),
  }),
]);
const content = z.union([z.array(entry), z.strictObject({ endpoints: z.array(entry) })]);

/**
 * Reads the file's text.
 * @throws OutriggerError `bad-endpoint-file`, `bad-endpoint`, `bad-yaml`
 */
export function parseEndpointList(text: string): readonly Address[] {
  const parsed = content.safeParse(parseYaml(text));
  if (!parsed.success) {
    throw new OutriggerError(
      "bad-endpoint-file",
      "found something else than a list of endpoints: write a list of HOST:PORT or HOST:PORT*WEIGHT, or of mappings with address and weight",
    );
  }
  const entries = Array.isArray(parsed.data) ? parsed.data : parsed.data.endpoints;
  if (entries.length === 0) {
    throw new OutriggerError(
      "bad-endpoint-file",
      "the list is empty: to drain an endpoint give it the weight 0",
    );
  }
  return entries.map((found): Address => {
    const address = parseAddress(typeof found === "string" ? found : found.address);
    if (address.port === null) {
      throw new OutriggerError(
        "bad-endpoint",
        `${JSON.stringify(address.host)} has no port: write HOST:PORT`,
      );
    }
    if (typeof found === "string" || found.weight === undefined) return address;
    return { ...address, weight: found.weight };
  });
}
