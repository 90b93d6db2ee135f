/** The words in which the table of manifest fields is written; the table's TypeScript types follow from it. */

/** What `outrigger run` does with a field: does it, has no use for it on a laptop, or will not start with it. */
export type Support = "honoured" | "irrelevant" | "refused";

export type TypeForm =
  | {
      readonly is: "string";
      readonly pattern?: RegExp;
      readonly what?: string;
      /** A file's content: the one text in which a NUL byte is no mistake. */
      readonly content?: boolean;
      readonly base64?: boolean;
      /** No message may show it. */
      readonly hidden?: boolean;
    }
  | { readonly is: "integer"; readonly min: number; readonly max: number }
  | { readonly is: "boolean" }
  | { readonly is: "integer-or-string" }
  | { readonly is: "quantity" }
  | { readonly is: "choice"; readonly values: readonly string[] }
  | { readonly is: "list"; readonly of: TypeForm }
  | {
      readonly is: "map";
      readonly of: TypeForm;
      readonly key?: { readonly pattern: RegExp; readonly what: string };
    }
  | { readonly is: "object"; readonly shape: Shape }
  | { readonly is: "anything" };

/** `phantom` is never there: it carries the TypeScript type of the values. */
export type TypeOf<Value> = TypeForm & { readonly phantom?: Value };

export interface Field<Value = unknown> {
  readonly type: TypeOf<Value>;
  readonly support: Support;
  /** Why it is irrelevant or refused; for honoured fields what is special about it, or empty. */
  readonly note: string;
  readonly required: boolean;
  /** A refused field may be written with this value, which asks for nothing. */
  readonly harmless?: unknown;
}
export type Shape = Readonly<Record<string, Field>>;

type ValueOf<F> = F extends { readonly type: { readonly phantom?: infer Value } } ? Value : never;
export type Infer<S> = {
  readonly [K in keyof S as S[K] extends { required: true } ? K : never]: ValueOf<S[K]>;
} & {
  readonly [K in keyof S as S[K] extends { required: true } ? never : K]?: ValueOf<S[K]>;
};

export const string: TypeOf<string> = { is: "string" };
/** What becomes a file: any text, NUL bytes included. */
export const content: TypeOf<string> = { is: "string", content: true };
export const base64: TypeOf<string> = { is: "string", base64: true };
/** A type's value as a Secret has it: no message shows it. */
export const hidden = (type: TypeOf<string>): TypeOf<string> =>
  type.is === "string" ? { ...type, hidden: true } : type;
export const boolean: TypeOf<boolean> = { is: "boolean" };
export const integerOrString: TypeOf<number | string> = { is: "integer-or-string" };
export const quantity: TypeOf<number | string> = { is: "quantity" };
export const anything: TypeOf<unknown> = { is: "anything" };
export const matching = (pattern: RegExp, what: string): TypeOf<string> => ({ is: "string", pattern, what });
export const integer = (min: number, max = 2 ** 31 - 1): TypeOf<number> => ({ is: "integer", min, max });
export const choice = <const Value extends string>(...values: readonly Value[]): TypeOf<Value> => ({
  is: "choice",
  values,
});
export const list = <Value>(of: TypeOf<Value>): TypeOf<readonly Value[]> => ({ is: "list", of });
export const map = <Value>(of: TypeOf<Value>): TypeOf<Readonly<Record<string, Value>>> => ({ is: "map", of });
/** As map, where only such keys are names. */
export const keyed = <Value>(
  of: TypeOf<Value>,
  pattern: RegExp,
  what: string,
): TypeOf<Readonly<Record<string, Value>>> => ({ is: "map", of, key: { pattern, what } });
export const object = <const S extends Shape>(shape: S): TypeOf<Infer<S>> => ({ is: "object", shape });

export const honoured = <Value>(type: TypeOf<Value>, note = ""): Field<Value> & { required: false } => ({
  type,
  support: "honoured",
  note,
  required: false,
});
export const required = <Value>(type: TypeOf<Value>, note = ""): Field<Value> & { required: true } => ({
  type,
  support: "honoured",
  note,
  required: true,
});
export const irrelevant = <Value>(type: TypeOf<Value>, note: string): Field<Value> & { required: false } => ({
  type,
  support: "irrelevant",
  note,
  required: false,
});
export const refused = (note: string, harmless?: unknown): Field<never> & { required: false } => ({
  type: anything as TypeOf<never>,
  support: "refused",
  note,
  required: false,
  harmless,
});
