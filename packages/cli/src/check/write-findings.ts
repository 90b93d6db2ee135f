/** The script that brings the table of findings in README.md up to date. */
import { readFileSync, writeFileSync } from "node:fs";
import { withFindings } from "./findings.ts";

const readme = new URL("../../README.md", import.meta.url);
writeFileSync(readme, withFindings(readFileSync(readme, "utf8")));
