import type { CanaryStatus, CheckRecord } from '../../api/canary-status.ts';
import type { StepReport } from './score.ts';

/** How text is set off; picocolors fits as it is. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

/** What is shown of a release under way. */
export interface Scene {
  title: string;
  status: CanaryStatus | undefined;
  /** What the users see of the step being held. */
  seen: StepReport | undefined;
  /** Of the release under way. */
  users: { requests: number; failed: number };
}

/** A small panel, a line each. */
export function panelOf({ title, status, seen, users }: Scene, paint: Paint): string[] {
  const { shares } = status ?? {};
  const failures = `${users.failed} failed`;
  return [
    paint.bold(title),
    row('phase', status === undefined ? '-' : placeOf(status)),
    row('asked', barOf(shares?.asked)),
    row('accepted', barOf(status?.canaryWeight)),
    row('observed', barOf(shares?.observed, shares?.requests)),
    row('users', seen === undefined ? paint.dim('no step is held') : barOf(seen.observed, seen.requests)),
    ...(status?.checks ?? []).map((check) => row('check', checkLine(check, paint))),
    row('hold', status?.hold === undefined ? '-' : paint.yellow(`${status.hold.reason}: ${status.hold.message}`)),
    row('requests', `${users.requests} by users, ${users.failed === 0 ? paint.green(failures) : paint.red(failures)}`),
  ];
}

/** The same in one line that says only what a reader of a log must know. */
export function lineOf({ status, users }: Scene): string {
  if (status === undefined) return 'no status yet';
  const { shares, checks = [], hold } = status;
  const parts = [
    placeOf(status),
    `asked ${percent(shares?.asked)}, accepted ${percent(status.canaryWeight)}, observed ${percent(shares?.observed)}`,
    ...checks.map(({ name, value, requests, limit, verdict }) => {
      return `${name} ${numberOf(value)} of ${requests ?? 0} requests (${limit}): ${verdict}`;
    }),
    `users: ${users.requests} requests, ${users.failed} failed`,
    ...(hold === undefined ? [] : [`holds: ${hold.reason}: ${hold.message}`]),
  ];
  return parts.join(' | ');
}

/** Two statuses with the same key look the same to a reader: numbers that only go on counting are left out. */
export function changeKey({ phase, stage, stepIndex, canaryWeight, shares, checks, hold }: CanaryStatus): string {
  const verdicts = checks?.map(({ name, verdict }) => [name, verdict]);
  return JSON.stringify([phase, stage, stepIndex, canaryWeight, shares?.asked, shares?.rung, verdicts, hold?.reason]);
}

function placeOf({ phase, stage, stepIndex, release }: CanaryStatus): string {
  const steps = release?.frozen.steps.length ?? 0;
  const step = stepIndex !== undefined && stepIndex >= 0 && steps > 0 ? `, step ${stepIndex + 1} of ${steps}` : '';
  return `${phase} (${stage}${release === undefined ? '' : step})`;
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(10)}${text}`;
}

const barWidth = 40;

function barOf(share: number | undefined, requests?: number): string {
  const filled = Math.round(((share ?? 0) / 100) * barWidth);
  const of = requests === undefined ? '' : `  of ${requests} requests`;
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${percent(share)}${of}`;
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${numberOf(share)} %`;
}

function numberOf(value: number | undefined): string {
  return value === undefined ? '-' : String(Math.round(value * 10) / 10);
}

function checkLine({ name, value, requests, limit, verdict }: CheckRecord, paint: Paint): string {
  const colour = { pass: paint.green, fail: paint.red, unsure: paint.yellow }[verdict];
  return `${name} ${numberOf(value)} of ${requests ?? 0} requests, wanted ${limit}: ${colour(verdict)}`;
}
