import type { z } from 'zod';
import { boardSchema } from './schema.js';
import { didYouMean } from './suggest.js';

/** A schema violation as lines for the user, each beginning with the property's path. */
export function issueLines(issue: z.core.$ZodIssue, input: unknown): string[] {
  const where = pathText(issue.path);
  const at = (name: string): string => (where === '' ? name : `${where}.${name}`);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(boardSchema, issue.path, input);
    return issue.keys.map((key) => `${at(key)}: unknown key${didYouMean(key, known)}`);
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const inner = issue.errors.at(-1)?.[0];
    if (inner) return issueLines({ ...inner, path: [...issue.path, ...inner.path] }, input);
  }
  if (issue.code === 'invalid_key') {
    return [`${where}: ${issue.issues[0]?.message ?? 'unknown key'}`];
  }
  const value = valueAt(input, issue.path);
  if (issue.code === 'invalid_type' && value === undefined) return [`${where}: is missing`];
  return [`${where === '' ? 'board' : where}: ${issue.message}`];
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], input);
}

/** Keys the schema knows at a path; for a union, those of the alternative that the input's `kind` selects. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[], input: unknown): string[] {
  let current: z.core.$ZodType = schema;
  let value = input;
  for (const part of [...path, undefined]) {
    current = pick(current, value);
    if (part === undefined) break;
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    const def = current._zod.def;
    if (def.type === 'object') current = (def as z.core.$ZodObjectDef).shape[String(part)] ?? current;
    else if (def.type === 'array') current = (def as z.core.$ZodArrayDef).element;
    else if (def.type === 'record') current = (def as z.core.$ZodRecordDef).valueType;
  }
  const def = current._zod.def;
  if (def.type === 'record') {
    const key = (def as z.core.$ZodRecordDef).keyType._zod.def;
    return key.type === 'enum' ? Object.keys((key as z.core.$ZodEnumDef).entries) : [];
  }
  return def.type === 'object' ? Object.keys((def as z.core.$ZodObjectDef).shape) : [];
}

function pick(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  const def = schema._zod.def;
  if (def.type === 'optional') return pick((def as z.core.$ZodOptionalDef).innerType, value);
  if (def.type !== 'union') return schema;
  const options = (def as z.core.$ZodUnionDef).options;
  const kind = (value as { kind?: unknown } | undefined)?.kind;
  return (
    options.find((option) => {
      const member = pick(option, value)._zod.def;
      const shape = member.type === 'object' ? (member as z.core.$ZodObjectDef).shape : {};
      return shape['kind']?._zod.values?.has(kind as string) ?? false;
    }) ?? schema
  );
}
