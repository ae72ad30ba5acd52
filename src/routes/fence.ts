/** Whether fence `a` is of a later write than `b`. What is no fence is older than every fence. */
export function isNewer(a: string, b: string): boolean {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return right === undefined && left !== undefined;
  return left.attempt === right.attempt ? left.write > right.write : left.attempt > right.attempt;
}

function parse(fence: string): { attempt: number; write: number } | undefined {
  const match = /^(\d{1,9})\.(\d{1,9})$/.exec(fence);
  return match === null ? undefined : { attempt: Number(match[1]), write: Number(match[2]) };
}
