/** yaml's stringify, for an import() of it: in a bundle a package that is CommonJS has no names when it is imported so. */
export { stringify } from "yaml";
