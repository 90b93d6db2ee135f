/** Writes FIELDS.md from the table of fields. */
import { irrelevantKinds, kinds } from "./fields.ts";
import type { Shape, TypeForm } from "./schema.ts";
import { describe } from "./validate.ts";

const HEAD = `# The manifest fields of \`outrigger run\`

Generated from \`src/manifest/fields.ts\` by \`npm run generate\`; a test says when it is not
up to date. **honoured**: done as a kubelet would, but for what the last column says. **irrelevant**: may be written,
does nothing on a laptop, and is listed once at start. **refused**: the run does not start, and names the path. A field
that is not here is an error. Both \`spec\` of a Pod and \`spec.template.spec\` of a Deployment or Job are as under Pod.
`;

export function fieldsDocument(): string {
  const sections = Object.entries(kinds).map(([kind, { apiVersion, shape }]) => {
    const rows = rowsOf(shape, "");
    const table = rows
      .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
      .join("\n");
    return `## ${kind} (${apiVersion})\n\n| field | | accepted | |\n|---|---|---|---|\n${table}\n`;
  });
  const others = `## Other kinds\n\nIrrelevant, listed at start: ${irrelevantKinds.join(", ")}. Any other kind is an error.\n`;
  return [HEAD, ...sections, others].join("\n");
}

function rowsOf(shape: Shape, prefix: string): string[][] {
  return Object.entries(shape)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, field]) => {
      const accepted =
        field.support === "refused"
          ? field.harmless === undefined
            ? ""
            : `only ${JSON.stringify(field.harmless)}`
          : describe(field.type);
      const note = field.required ? ["required", field.note].filter(Boolean).join("; ") : field.note;
      const path = `${prefix}${name}${field.type.is === "list" ? "[]" : ""}`;
      const inside = shapeOf(field.type);
      return [
        [`\`${path}\``, field.support, accepted, note],
        // The template's PodSpec is the Pod's: its rows stand there.
        ...(inside && path !== "spec.template.spec" ? rowsOf(inside, `${path}.`) : []),
      ];
    });
}

function shapeOf(type: TypeForm): Shape | undefined {
  if (type.is === "object") return type.shape;
  return type.is === "list" ? shapeOf(type.of) : undefined;
}
