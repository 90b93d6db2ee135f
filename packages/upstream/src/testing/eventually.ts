/** Of core's testing, by its old way. */
export { eventually } from "@outrigger/core/testing";
