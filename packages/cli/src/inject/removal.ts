/** Takes what a record names out of a manifest's text, by whole lines, wherever a cluster has moved it since. */
import { isMap, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import type { ManifestDocument } from "../manifest/document.ts";
import { endOfLast } from "./addition.ts";
import { lineEnd, lineStart, type Removal } from "./lines.ts";
import { identityKey, identityOf, type Recorded } from "./record.ts";

type Member = Pair | Node;

/** What goes of a node: all of it, or these parts of the text. */
type Going = "all" | readonly Removal[];

/** @param at the pod template */
export function removals(document: ManifestDocument, text: string, at: unknown, record: Recorded): Removal[] {
  const going = goingOf(document, text, at, record, { key: "", itemOf: "" });
  return going === "all" ? [] : [...going];
}

/** Of which key a node is the value, or of which list an item. */
interface Role {
  readonly key: string;
  readonly itemOf: string;
}

function goingOf(
  document: ManifestDocument,
  text: string,
  node: unknown,
  record: Recorded,
  role: Role,
): Going {
  if (record.made && record.inside.size === 0) return "all";
  if (!isMap(node) && !isSeq(node)) return [];
  const gone = new Set<Member>();
  const parts: Removal[] = [];
  for (const [step, inside] of record.inside) {
    const member = memberOf(document, node, step, role.key);
    if (!member) continue;
    const going = isSeq(node)
      ? goingOf(document, text, member, inside, { key: "", itemOf: role.key })
      : goingOf(document, text, (member as Pair).value, inside, { key: step, itemOf: "" });
    if (going === "all") gone.add(member);
    else parts.push(...going);
  }
  const left = (node.items as Member[]).filter((member) => !gone.has(member));
  // An alias entry of which only the address is left has no meaning any more.
  const identity = role.itemOf === "" ? null : identityKey(role.itemOf);
  const bare = left.every((member) => isMap(node) && document.keyOf(member as Pair) === identity);
  return record.made && bare ? "all" : [...parts, ...cut(text, node, gone)];
}

function memberOf(
  document: ManifestDocument,
  node: YAMLMap | YAMLSeq,
  step: string,
  key: string,
): Member | undefined {
  if (isMap(node)) return node.items.find((pair) => document.keyOf(pair) === step);
  return (node.items as Node[]).find((item) => identityOf(document.plain(item), key) === step);
}

function cut(text: string, collection: YAMLMap | YAMLSeq, gone: ReadonlySet<Member>): Removal[] {
  const members = collection.items as Member[];
  const spans = members.map((member) => spanOf(text, collection, member));
  const result: Removal[] = [];
  for (const [index, member] of members.entries()) {
    const span = spans[index];
    if (!gone.has(member) || !span) continue;
    const next = spans[index + 1];
    const alone = /^[ \t]*$/.test(text.slice(lineStart(text, span.from), span.from));
    const to = lineEnd(text, span.to);
    if (alone && /^[ \t]*,?[ \t]*(#.*)?\r?\n?$/.test(text.slice(span.to, to)))
      result.push({ from: lineStart(text, span.from), to });
    else if (next) result.push({ from: span.from, to: next.from });
    else result.push(span);
  }
  const kept = members.findLastIndex((member) => !gone.has(member));
  const last = spans[kept];
  // JSON knows no comma before a closing bracket.
  if (collection.flow && last && kept < members.length - 1) {
    const comma = text.indexOf(",", last.to);
    result.push({ from: comma, to: comma + 1 });
  }
  return result;
}

/** From its first byte, a list's dash included, to the last byte of its value. */
function spanOf(text: string, collection: YAMLMap | YAMLSeq, member: Member): Removal {
  const node = "key" in member ? (member.key as Node) : member;
  let from = node.range?.[0] ?? 0;
  if (isSeq(collection) && !collection.flow) from = text.lastIndexOf("-", from - 1);
  return { from, to: endOfLast(member) };
}
