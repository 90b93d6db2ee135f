/**
 * What is wrong with a YAML text, in words that quote nothing of it: a password may begin as a tag, an alias or an escape
 * does, and stand on another line than its key, or under a key whose name says nothing.
 *
 * And what a YAML document may not be built like, though it is YAML: aliases without an anchor, aliases that contain
 * themselves or multiply, nesting without end. Found before the document becomes values, where it would be a stack trace.
 */
import { isAlias, isCollection, visit, type Document, type YAMLError } from "yaml";
import { OutriggerError } from "../errors.ts";

/** More aliases, each counted with what it stands for, are a bomb and no configuration. */
const MOST_ALIASES = 100;
/** Levels of lists and mappings: none of ours is deeper than ten. */
const DEEPEST = 100;

export interface StructureProblem {
  /** In the text; where it is of the whole, 0. */
  readonly offset: number;
  readonly message: string;
}

/** The first of them, or null. Never throws. */
export function structureProblem(document: Document): StructureProblem | null {
  // The parser itself stops where the stack ends, and calls it an error of the document.
  const overflow = document.errors.find(({ message }) => message.startsWith("Maximum call stack"));
  if (overflow) return { offset: overflow.pos[0], message: TOO_DEEP };
  let problem: StructureProblem | null = null;
  visit(document, (_key, node, path) => {
    const offset = ("range" in Object(node) && (node as { range?: [number] }).range?.[0]) || 0;
    // Pairs are steps of their own, and no levels.
    if (path.length > DEEPEST && path.filter((each) => isCollection(each)).length > DEEPEST)
      problem = { offset, message: TOO_DEEP };
    else if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined) {
        problem = {
          offset,
          message: "an alias (a value that begins with *) has no anchor of that name before it",
        };
      } else if (path.includes(target)) {
        problem = {
          offset,
          message: "an alias (a value that begins with *) stands inside of what it stands for",
        };
      }
    }
    return problem === null ? undefined : visit.BREAK;
  });
  return problem;
}

/** In place of the parser's own messages that would quote, or speak to programmers; by its codes. */
const IN_OUR_WORDS: Readonly<Record<string, string>> = {
  TAG_RESOLVE_FAILED: "a tag (a value that begins with !) is not known here: quote the value if it is text",
  BAD_DIRECTIVE: "a directive (a line that begins with %) is not known here",
  BAD_DQ_ESCAPE: "a \\ in double quotes begins no escape that YAML has: use single quotes, or write \\\\",
  MULTIPLE_DOCS: "a second document begins: write one document a file, without a --- between",
  BAD_COLLECTION_TYPE: "a tag (a word that begins with !) does not fit what it stands before",
};

/** A parser's error without what it quotes: the others quote, if at all, after a colon. */
export function explainYamlError({ code, message }: Pick<YAMLError, "code" | "message">): string {
  return IN_OUR_WORDS[code] ?? message.replace(/(?<=\w): .*/s, "");
}

const TOO_DEEP = `nested deeper than ${DEEPEST} levels`;

/**
 * The values of a document that has no structure problem.
 * @throws OutriggerError `yaml-bomb`
 */
export function plainValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
  } catch (thrown) {
    throw new OutriggerError(
      "yaml-bomb",
      `its aliases multiply into more than ${MOST_ALIASES}: write out what they stand for`,
      { cause: thrown },
    );
  }
}
