/**
 * Kubernetes' object model as the API server would read a manifest strictly: every field that no type knows, and every
 * value of another type. The types are those that Kubernetes' own JavaScript client is generated from. For tests.
 */
import * as models from "@kubernetes/client-node/dist/gen/models/ObjectSerializer.js";

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}
interface Model {
  readonly attributeTypeMap: readonly Attribute[];
}

/** @returns `path: what is wrong` for each; objects of kinds that Kubernetes does not have are not looked at */
export function modelProblems(object: unknown): string[] {
  const { kind, apiVersion, items } = (object ?? {}) as {
    kind?: string;
    apiVersion?: string;
    items?: unknown;
  };
  if (kind === "List" && Array.isArray(items))
    return items.flatMap((item, index) => modelProblems(item).map((each) => `items[${index}].${each}`));
  const own = /^(v1|(apps|batch|rbac\.authorization\.k8s\.io|apiextensions\.k8s\.io)\/v1)$/.test(
    apiVersion ?? "",
  );
  const type = `V1${kind}`;
  if (!own || !modelOf(type)) return [];
  return problemsOf(object, type, "");
}

const modelOf = (type: string): Model | undefined => {
  const found = (models as unknown as Readonly<Record<string, Partial<Model> | undefined>>)[type];
  return found?.attributeTypeMap === undefined ? undefined : (found as Model);
};

function problemsOf(value: unknown, type: string, path: string): string[] {
  if (value === null || value === undefined || type === "any" || type === "object") return [];
  const wrong = [`${path}: is ${JSON.stringify(value)}, and must be of type ${type}`];
  const list = /^(?:Array|Set)<(.*)>$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) return wrong;
    return value.flatMap((item, index) => problemsOf(item, list, `${path}[${index}]`));
  }
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    if (!isObject(value)) return wrong;
    // A quantity may be written as a number.
    const quantities = /\.(limits|requests)$/.test(path);
    return Object.entries(value).flatMap(([key, item]) =>
      quantities && typeof item === "number" ? [] : problemsOf(item, map, `${path}[${JSON.stringify(key)}]`),
    );
  }
  if (type === "string") return typeof value === "string" ? [] : wrong;
  if (type === "number") return Number.isInteger(value) ? [] : wrong;
  if (type === "boolean") return typeof value === "boolean" ? [] : wrong;
  if (type === "IntOrString") return typeof value === "string" || Number.isInteger(value) ? [] : wrong;
  if (type === "Date" || type === "V1MicroTime")
    return typeof value === "string" && !Number.isNaN(Date.parse(value)) ? [] : wrong;
  const model = modelOf(type);
  if (!model) throw new Error(`the object model has no type ${type} (${path})`);
  if (!isObject(value)) return wrong;
  return Object.entries(value).flatMap(([key, item]) => {
    const at = path === "" ? key : `${path}.${key}`;
    const attribute = model.attributeTypeMap.find(({ baseName }) => baseName === key);
    return attribute ? problemsOf(item, attribute.type, at) : [`${at}: ${type} has no such field`];
  });
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
