/** An object whose fields are read and set without knowing its type. */
export type Fields = Record<string, unknown>;

/** The object at a field, made empty when there is none. */
export function fieldsAt(object: Fields, field: string): Fields {
  const value = object[field];
  if (isFields(value)) return value;
  const created: Fields = {};
  if (value === undefined) object[field] = created;
  return created;
}

/** The objects in the list at a field; what is not an object is left to the schema to refuse. */
export function listAt(object: Fields, field: string): Fields[] {
  const value = object[field];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** Sets the fields that are not there yet. */
export function setDefaults(object: Fields, defaults: Fields): void {
  for (const [field, value] of Object.entries(defaults)) {
    if (object[field] === undefined) object[field] = structuredClone(value);
  }
}

/** Whether a value is an object that is no list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
