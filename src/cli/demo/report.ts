import { writeFileSync } from 'node:fs';
import { failed } from '../failure.ts';
import type { ReleaseReport } from './score.ts';

/** What `--report` writes. */
export interface DemoReport {
  schema: 1;
  /** Usable while the demo runs. */
  kubeconfig: string;
  releases: ReleaseReport[];
}

/** Writes the report; throws Failure when the file cannot be written. */
export function writeReport(path: string, report: DemoReport): void {
  try {
    writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    throw failed(`--report ${path}`, error);
  }
}

/** The table for people: what came of each release, what the users saw, and why requests failed. */
export function tableOf(releases: ReleaseReport[]): string[] {
  const head = ['release', 'outcome', 'took', 'steps seen by users', 'requests', 'failed', 'back at 0 %'];
  const rows = releases.map((release) => [
    release.name,
    release.outcome ?? 'none',
    `${release.seconds.toFixed(0)} s`,
    release.steps.map(({ asked, observed }) => `${asked}→${observed.toFixed(1)} %`).join('  '),
    String(release.requests),
    String(release.failedRequests),
    release.secondsToWeightZero === null ? '-' : `after ${release.secondsToWeightZero.toFixed(1)} s`,
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    line(head),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
    '',
    ...releases.flatMap(causesOf),
  ];
}

function causesOf({ name, failuresByCause, requestsAfterRollback }: ReleaseReport): string[] {
  const causes = Object.entries(failuresByCause).sort(([, one], [, other]) => other - one);
  const after =
    requestsAfterRollback === null
      ? []
      : [`${name}: ${requestsOf(requestsAfterRollback)} reached it after the rollback`];
  if (causes.length === 0) return [`${name}: no request of a user failed`, ...after];
  return [...causes.map(([cause, count]) => `${name}: ${requestsOf(count)} failed: ${cause}`), ...after];
}

function requestsOf(count: number): string {
  return count === 1 ? '1 request' : `${count} requests`;
}
