/** The script that brings FIELDS.md up to date. */
import { writeFileSync } from "node:fs";
import { fieldsDocument } from "./fields-document.ts";

writeFileSync(new URL("../../FIELDS.md", import.meta.url), fieldsDocument());
