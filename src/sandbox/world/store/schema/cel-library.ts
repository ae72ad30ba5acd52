import { Environment } from '@marcbachmann/cel-js';
import { Duration } from '@marcbachmann/cel-js/evaluator';

/** The environment of a rule: CEL with those of Kubernetes' additions that schemas commonly use. */
export function celEnvironment(): Environment {
  return new Environment({ enableOptionalTypes: true, limits: { maxListElements: 100_000 } })
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn')
    .registerFunction('list.isSorted(): bool', isSorted)
    .registerFunction('list.sum(): dyn', sum)
    .registerFunction('list.min(): dyn', (list: unknown[]) => extreme(list, 'min'))
    .registerFunction('list.max(): dyn', (list: unknown[]) => extreme(list, 'max'))
    .registerFunction('list.indexOf(dyn): int', (list: unknown[], item: unknown) =>
      BigInt(list.findIndex((other) => isSame(other, item))),
    )
    .registerFunction('list.lastIndexOf(dyn): int', (list: unknown[], item: unknown) =>
      BigInt(list.findLastIndex((other) => isSame(other, item))),
    )
    .registerFunction('string.find(string): string', (text: string, pattern: string) => find(text, pattern)[0] ?? '')
    .registerFunction('string.findAll(string): list<string>', find)
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      text.replaceAll(from, to),
    )
    .registerFunction(
      'string.charAt(int): string',
      (text: string, index: bigint) => Array.from(text)[Number(index)] ?? '',
    )
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text));
}

const find = (text: string, pattern: string): string[] =>
  Array.from(text.matchAll(new RegExp(pattern, 'gu')), ([hit]) => hit);

/** A number, text or time as something that `<` orders. */
function orderOf(value: unknown): bigint | number | string {
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Date) return value.getTime();
  if (value instanceof Duration) return nanosOf(value);
  throw new Error('no such overload: values of this type have no order');
}

const nanosOf = (duration: Duration): bigint => duration.seconds * 1_000_000_000n + BigInt(duration.nanos);

const isSame = (a: unknown, b: unknown): boolean =>
  a === b || (a instanceof Duration && b instanceof Duration && nanosOf(a) === nanosOf(b));

function isSorted(list: unknown[]): boolean {
  return list.every((item, index) => index === 0 || orderOf(list[index - 1]) <= orderOf(item));
}

function extreme(list: unknown[], which: 'min' | 'max'): unknown {
  if (list.length === 0) throw new Error(`${which} called on empty list`);
  return list.reduce((best, item) =>
    (which === 'min' ? orderOf(item) < orderOf(best) : orderOf(item) > orderOf(best)) ? item : best,
  );
}

function sum(list: unknown[]): unknown {
  if (list.every((item) => typeof item === 'bigint')) return list.reduce((total, item) => total + item, 0n);
  if (list.every((item) => typeof item === 'number')) return list.reduce((total, item) => total + item, 0);
  if (list.every((item) => item instanceof Duration)) {
    const nanos = list.reduce((total, item) => total + nanosOf(item), 0n);
    return new Duration(nanos / 1_000_000_000n, Number(nanos % 1_000_000_000n));
  }
  throw new Error('no such overload: sum of these values');
}
