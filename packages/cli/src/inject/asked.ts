/** What flags, or else annotations, ask of one pattern for one workload: routes, or flags of its container. */
import { OutriggerError } from "@outrigger/core";
import type { Path, Problem } from "../manifest/document.ts";
import { fields, text, type Workload } from "../manifest/workload.ts";
import type { InjectOptions } from "./options.ts";
import { annotationOf, GATE_ANNOTATION, type Injectable } from "./pattern-table.ts";
import { readRoute, type Route } from "./route.ts";

/** Whether flags or annotations ask for the pattern in this workload. */
export function isAsked(workload: Workload, injectable: Injectable, options: InjectOptions): boolean {
  return (
    options.configMaps.has(injectable.pattern.name) || askedRoutes(workload, injectable, options).length > 0
  );
}

export interface AskedRoute {
  readonly text: string;
  readonly gate: boolean;
  /** The annotation, where no flag says it. */
  readonly path: Path | null;
}

/** By flags; or else by the annotations of the pod template, or else of the object. */
export function askedRoutes(
  workload: Workload,
  injectable: Injectable,
  options: InjectOptions,
): AskedRoute[] {
  const { name } = injectable.pattern;
  const isAmbassador = name === "ambassador";
  if (options.routes.size > 0 || options.gates.length > 0 || options.configMaps.size > 0) {
    return [
      ...(options.routes.get(name) ?? []).map((text) => ({ text, gate: false, path: null })),
      ...(isAmbassador ? options.gates : []).map((text) => ({ text, gate: true, path: null })),
    ];
  }
  return (isAmbassador ? [annotationOf(injectable), GATE_ANNOTATION] : [annotationOf(injectable)]).flatMap(
    (annotation) => {
      for (const [value, path] of [
        [workload.template, workload.templatePath],
        [workload.value, workload.path],
      ] as const) {
        const found = text(fields(fields(value["metadata"])["annotations"])[annotation]);
        if (found === undefined) continue;
        return found
          .split(/\s+/)
          .filter(Boolean)
          .map((text) => ({
            text,
            gate: annotation === GATE_ANNOTATION,
            path: [...path, "metadata", "annotations", annotation],
          }));
      }
      return [];
    },
  );
}

/** An elector's flags that open a port; the rest is its program's to judge. */
const PORT_FLAG = /^(gate|forward)=(.*)$/;
/** What a container beside the workload cannot do: its image has Node and nothing else. */
const OF_OWN_IMAGE = /^(child|on-acquired|on-ended)=/;

export function readPorts(
  asked: readonly AskedRoute[],
  injectable: Injectable,
  workload: Workload,
  problems: Problem[],
): Route[] {
  const flag = `--${injectable.pattern.name}`;
  return asked.flatMap((each) => {
    const refuse = (why: string): never[] => {
      if (each.path === null) throw new OutriggerError("usage", `${flag} ${each.text}: ${why}`);
      problems.push(workload.document.problem(each.path, `${each.text}: ${why}`));
      return [];
    };
    if (!/^[a-z][a-z-]*(=|$)/.test(each.text))
      return refuse("accepted is a flag of its container without its dashes, for example election=web");
    if (OF_OWN_IMAGE.test(each.text))
      return refuse(
        "it runs a program of its own container, whose image has Node and nothing else: build the workload's image FROM it instead of injecting it",
      );
    const route = PORT_FLAG.exec(each.text)?.[2];
    return route === undefined ? [] : readRoutes([{ ...each, text: route }], workload, problems, flag);
  });
}

export function readRoutes(
  asked: readonly AskedRoute[],
  workload: Workload,
  problems: Problem[],
  flag = "--ambassador",
): Route[] {
  return asked.flatMap(({ text, gate, path }) => {
    try {
      return [readRoute(text, gate)];
    } catch (thrown) {
      const error = OutriggerError.from(thrown);
      if (error.code === "internal") throw thrown;
      // A flag's mistake is every pod's; an annotation's has a place.
      if (path === null) throw new OutriggerError("usage", `${gate ? "--gate" : flag}: ${error.message}`);
      problems.push(workload.document.problem(path, error.message));
      return [];
    }
  });
}
