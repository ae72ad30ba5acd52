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
  /** Since the demo began. */
  users: { requests: number; failed: number };
}

/** A small panel, a line each. */
export function panelOf({ title, status, seen, users }: Scene, paint: Paint): string[] {
  const failures = `${users.failed} failed`;
  return [
    paint.bold(title),
    ...(status === undefined ? [] : rowsOf(status, paint)),
    row('users see', seen === undefined ? paint.dim('no step is held') : barOf(seen.observed, seen.requests)),
    row(
      'users',
      `${users.requests} requests so far, ${users.failed === 0 ? paint.green(failures) : paint.red(failures)}`,
    ),
  ];
}

function rowsOf(status: CanaryStatus, paint: Paint): string[] {
  const { shares, canaryWeight, checks = [], hold } = status;
  return [
    row('phase', placeOf(status)),
    row('asked', barOf(shares?.asked)),
    row('accepted', barOf(canaryWeight)),
    row('observed', barOf(shares?.observed, shares?.requests)),
    ...checks.map((check) => row('check', checkLine(check, paint))),
    row('hold', hold === undefined ? '-' : paint.yellow(`${hold.reason}: ${hold.message}`)),
  ];
}

/** A change of status in one line; checks are named only where they differ from those `before`. */
export function lineOf({ status, users }: Scene, before: CanaryStatus | undefined): string {
  if (status === undefined) return 'no status yet';
  const { shares, checks = [], hold } = status;
  const news = checks.filter((check) => !isSame(check, before?.checks));
  const parts = [
    placeOf(status),
    ...(shares === undefined
      ? []
      : [
          `asked ${percent(shares.asked)}, accepted ${percent(status.canaryWeight)}, observed ${percent(shares.observed)}`,
        ]),
    ...news.map((check) => checkLine(check, plain)),
    ...(users.requests === 0 ? [] : [`users so far: ${users.requests} requests, ${users.failed} failed`]),
    ...(hold === undefined ? [] : [`holds, ${hold.reason}: ${hold.message}`]),
  ];
  return parts.join(' | ');
}

const same = (text: string) => text;
const plain: Paint = { bold: same, dim: same, green: same, red: same, yellow: same };

function isSame({ name, verdict }: CheckRecord, before: CheckRecord[] | undefined): boolean {
  return before?.some((other) => other.name === name && other.verdict === verdict) === true;
}

/** Two statuses with the same key look the same to a reader: numbers that only go on counting are left out. */
export function changeKey({ phase, stage, stepIndex, canaryWeight, shares, checks, hold }: CanaryStatus): string {
  const verdicts = checks?.map(({ name, verdict }) => [name, verdict]);
  return JSON.stringify([phase, stage, stepIndex, canaryWeight, shares?.asked, shares?.rung, verdicts, hold?.reason]);
}

function placeOf({ phase, stage, stepIndex, release }: CanaryStatus): string {
  const steps = release?.frozen.steps.length ?? 0;
  if (release === undefined) return `${phase} (${stage})`;
  if (release.leg === 'return') return `${phase} (${stage}, traffic returns to the target)`;
  return stepIndex === undefined || stepIndex < 0
    ? `${phase} (${stage})`
    : `${phase} (${stage}, step ${stepIndex + 1} of ${steps})`;
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
  const unit = value === undefined ? '' : (/ (?:%|ms)$/.exec(limit)?.[0] ?? '');
  return `${name} ${numberOf(value)}${unit} over ${requests ?? 0} requests, wanted ${limit}: ${colour(verdict)}`;
}
