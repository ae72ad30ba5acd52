import type { KubeObject } from '../../../api/objects.ts';
import type { KindDefinition, Selection } from '../types.ts';
import { isBuiltIn } from './built-in.ts';
import { badRequest } from './errors.ts';
import { fieldOf } from './json.ts';

/** Whether an object is selected. */
export type Matcher = (object: KubeObject) => boolean;

/** Compiles a selection. Throws 400 when a selector cannot be parsed. */
export function compileSelection(definition: KindDefinition, selection: Selection): Matcher {
  const tests: Matcher[] = [];
  const { namespace, labelSelector, fieldSelector } = selection;
  if (namespace !== undefined && namespace !== '') tests.push((object) => object.metadata.namespace === namespace);
  if (labelSelector !== undefined && labelSelector !== '') tests.push(...parseLabelSelector(labelSelector));
  if (fieldSelector !== undefined && fieldSelector !== '') tests.push(...parseFieldSelector(definition, fieldSelector));
  return (object) => tests.every((test) => test(object));
}

const labelOf = (object: KubeObject, key: string): string | undefined => {
  const value = fieldOf(object.metadata.labels, key);
  return typeof value === 'string' ? value : undefined;
};

const keyForm = '[A-Za-z0-9][A-Za-z0-9_./-]*';
const existsForm = new RegExp(`^(!?)\\s*(${keyForm})$`);
const setForm = new RegExp(`^(${keyForm})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const equalForm = new RegExp(`^(${keyForm})\\s*(==|=|!=)\\s*([A-Za-z0-9_.-]*)$`);
const orderForm = new RegExp(`^(${keyForm})\\s*([<>])\\s*(-?[0-9]+)$`);

function parseLabelSelector(text: string): Matcher[] {
  return splitOutsideParentheses(text).map((part) => labelRequirement(part, text));
}

function labelRequirement(part: string, whole: string): Matcher {
  const exists = existsForm.exec(part);
  if (exists !== null) {
    const wanted = exists[1] === '';
    return (object) => (labelOf(object, exists[2] ?? '') !== undefined) === wanted;
  }
  const set = setForm.exec(part);
  if (set !== null) {
    const values = new Set((set[3] ?? '').split(',').map((value) => value.trim()));
    const wanted = set[2] === 'in';
    return (object) => {
      const value = labelOf(object, set[1] ?? '');
      return value === undefined ? !wanted : values.has(value) === wanted;
    };
  }
  const same = equalForm.exec(part);
  if (same !== null) {
    const wanted = same[2] !== '!=';
    return (object) => (labelOf(object, same[1] ?? '') === same[3]) === wanted;
  }
  const order = orderForm.exec(part);
  if (order !== null) {
    const limit = Number(order[3]);
    return (object) => {
      const value = Number.parseInt(labelOf(object, order[1] ?? '') ?? '', 10);
      return order[2] === '>' ? value > limit : value < limit;
    };
  }
  throw badRequest(`unable to parse requirement: found '${part}' in label selector '${whole}'`);
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')') depth--;
    if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}

function parseFieldSelector(definition: KindDefinition, text: string): Matcher[] {
  return text.split(',').map((part) => {
    const match = /^\s*([A-Za-z0-9_.[\]-]+?)\s*(==|=|!=)(.*)$/.exec(part);
    const path = match?.[1];
    if (match === null || path === undefined) {
      throw badRequest(`invalid field selector: "${text}"; can't understand '${part}'`);
    }
    if (!isBuiltIn(definition) && path !== 'metadata.name' && path !== 'metadata.namespace') {
      throw badRequest(`field label not supported: ${path}`);
    }
    const keys = path.split('.');
    const wanted = match[2] !== '!=';
    const value = match[3]?.trim() ?? '';
    return (object: KubeObject) => (fieldText(object, keys) === value) === wanted;
  });
}

function fieldText(object: KubeObject, keys: string[]): string {
  let at: unknown = object;
  for (const key of keys) at = fieldOf(at, key);
  if (typeof at === 'string') return at;
  return typeof at === 'number' || typeof at === 'boolean' ? String(at) : '';
}
