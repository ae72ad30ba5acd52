/** One step of a path: a field, all items, one item, or the items whose field has a value. */
type Step =
  | { field: string }
  | { all: true }
  | { index: number }
  | { where: string; equals: string | number | boolean };

const stepPattern =
  /\.(?<field>(?:\\.|[^.[\]\\])+)|\[(?<all>\*)\]|\[(?<index>-?\d+)\]|\[['"](?<quoted>[^'"]+)['"]\]|\[\?\(\s*@\.(?<where>[\w.-]+)\s*==\s*(?<equals>"[^"]*"|'[^']*'|[\w.-]+)\s*\)\]/gy;

/**
 * All values at a JSONPath of the simple form that printer columns use: `.a.b`, `.list[*].x`, `.list[0]`, `.list[?(@.type=="Ready")].status`,
 * `.metadata.annotations.example\.dev/x`. A path of another form finds nothing.
 */
export function findAll(object: unknown, path: string): unknown[] {
  const steps = stepsOf(path.startsWith('.') || path.startsWith('[') ? path : `.${path}`);
  if (steps === undefined) return [];
  let found: unknown[] = [object];
  for (const step of steps) found = found.flatMap((value) => take(value, step));
  return found;
}

function stepsOf(path: string): Step[] | undefined {
  const steps: Step[] = [];
  let end = 0;
  for (const match of path.matchAll(stepPattern)) {
    steps.push(stepOf(match.groups ?? {}));
    end = match.index + match[0].length;
  }
  return end === path.length ? steps : undefined;
}

function stepOf(groups: Record<string, string | undefined>): Step {
  if (groups.field !== undefined) return { field: groups.field.replace(/\\(.)/g, '$1') };
  if (groups.quoted !== undefined) return { field: groups.quoted };
  if (groups.index !== undefined) return { index: Number(groups.index) };
  if (groups.where !== undefined) return { where: groups.where, equals: literal(groups.equals ?? '') };
  return { all: true };
}

function literal(text: string): string | number | boolean {
  if (text.startsWith('"') || text.startsWith("'")) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function take(value: unknown, step: Step): unknown[] {
  if ('field' in step) return present(fieldOf(value, step.field));
  if (!Array.isArray(value)) return 'all' in step && typeof value === 'object' ? Object.values(value ?? {}) : [];
  if ('all' in step) return value;
  if ('index' in step) return present(value.at(step.index));
  return value.filter((item) => step.where.split('.').reduce(fieldOf, item) === step.equals);
}

function present(value: unknown): unknown[] {
  return value === undefined ? [] : [value];
}

function fieldOf(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return undefined;
  return (value as Record<string, unknown>)[field];
}
