/**
 * The few words of JSON Schema in which openapi.json and asyncapi.json say what a body, an answer or an event
 * looks like, and a check of values against them: of what tests hear on a stream (system/events.ts), and of
 * what `ovation conform` hears from any server. schema.test.ts holds the check.
 */

export interface Schema {
  /** A pair: that, or null. */
  readonly type?: string | readonly [string, "null"];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  /** false: a member that is not named is refused. */
  readonly additionalProperties?: Schema | false;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly default?: number;
  readonly const?: unknown;
  readonly enum?: readonly string[];
  readonly $ref?: string;
}

export type Schemas = Readonly<Record<string, Schema>>;

/** An object of these members, all of them required but those named after. */
export function object(properties: Schemas, ...optional: readonly string[]): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return required.length === 0 ? { type: "object", properties } : { type: "object", properties, required };
}

/** The same, as a body: fields that are not known are refused. */
export function body(properties: Schemas, ...optional: readonly string[]): Schema {
  return { ...object(properties, ...optional), additionalProperties: false };
}

export function list(items: Schema, maxItems?: number): Schema {
  return maxItems === undefined ? { type: "array", items } : { type: "array", items, maxItems };
}

/** The schema `name` of the same document. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

export interface CheckOptions {
  /** What `ref` names. */
  readonly known: Schemas;
  /** Whether a member that the schema does not name is a mistake. A client passes over such members. */
  readonly strict: boolean;
}

/** What is wrong with `value`, one line each, which begins with the place: `$.totals.heart is no integer`. */
export function mistakesIn(value: unknown, schema: Schema, options: CheckOptions, at = "$"): string[] {
  if (schema.$ref !== undefined) {
    const target = options.known[schema.$ref.split("/").at(-1) ?? ""];
    return target ? mistakesIn(value, target, options, at) : [`${at} is ${schema.$ref}, which nobody knows`];
  }
  if ("const" in schema) return value === schema.const ? [] : [`${at} is not ${schema.const}`];
  if (typeof schema.type === "object") {
    const [type] = schema.type;
    return value === null ? [] : mistakesIn(value, { ...schema, type }, options, at);
  }
  switch (schema.type) {
    case "object":
      return objectMistakes(value, schema, options, at);
    case "array":
      if (!Array.isArray(value)) return [`${at} is no list`];
      return [
        ...(value.length > (schema.maxItems ?? value.length) ? [`${at} has ${value.length} items`] : []),
        ...value.flatMap((item, i) => mistakesIn(item, schema.items ?? {}, options, `${at}[${i}]`)),
      ];
    case "string":
      return typeof value === "string" ? textMistakes(value, schema, at) : [`${at} is no string`];
    case "integer":
      return Number.isSafeInteger(value)
        ? rangeMistakes(value as number, schema, at)
        : [`${at} is no integer`];
    case "number":
      return typeof value === "number" ? rangeMistakes(value, schema, at) : [`${at} is no number`];
    case "boolean":
      return typeof value === "boolean" ? [] : [`${at} is no boolean`];
    default:
      return [];
  }
}

function objectMistakes(value: unknown, schema: Schema, options: CheckOptions, at: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at} is no object`];
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name));
  return [
    ...missing.map((name) => `${at}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, member]) => {
      const known = schema.properties?.[name] ?? schema.additionalProperties;
      if (known) return mistakesIn(member, known, options, `${at}.${name}`);
      const isClosed = known === false || (schema.properties && options.strict);
      return isClosed ? [`${at}.${name} is not in the document`] : [];
    }),
  ];
}

function textMistakes(value: string, schema: Schema, at: string): string[] {
  if (schema.enum && !schema.enum.includes(value)) return [`${at} is none of ${schema.enum.join(", ")}`];
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
    return [`${at} is not ${schema.pattern}`];
  }
  // Characters as people count them, which is how JSON Schema counts too.
  const length = schema.maxLength === undefined && !schema.minLength ? 0 : [...value].length;
  if (length > (schema.maxLength ?? length)) return [`${at} has ${length} characters`];
  return length < (schema.minLength ?? 0) ? [`${at} has ${length} characters`] : [];
}

function rangeMistakes(value: number, { minimum, maximum }: Schema, at: string): string[] {
  const isLow = minimum !== undefined && value < minimum;
  const isHigh = maximum !== undefined && value > maximum;
  return isLow || isHigh ? [`${at} is ${value}`] : [];
}
