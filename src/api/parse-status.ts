import { Compile } from 'typebox/compile';
import Value from 'typebox/value';
import { CanaryStatus, type Stage } from './canary-status.ts';
import { fieldProblems } from './field-problem.ts';
import { risesStrictly } from './ladder.ts';
import { isRecord } from './plain.ts';
import { structuralWithoutRules } from './structural.ts';

/** Why a status cannot be used: it is of no form that is known here, or it contradicts itself. */
export interface StatusProblem {
  reason: 'StatusUnreadable' | 'StatusTampered';
  message: string;
}

interface ReadStatus {
  status: CanaryStatus | undefined;
  problem: StatusProblem | undefined;
}

/** The version of the status that is written now. */
const schemaVersion = 1;

const looseStatus = structuralWithoutRules(CanaryStatus);
const validator = Compile(looseStatus);

/**
 * Reads a status. Versions read each other's: unknown fields stay, absent optional ones are fine, absent defaults are filled in.
 * @param found as the API server gave it; nothing, or an empty object, is no status and no problem
 */
export function readStatus(found: unknown): ReadStatus {
  if (found === undefined || (isRecord(found) && Object.keys(found).length === 0)) {
    return { status: undefined, problem: undefined };
  }
  const version = isRecord(found) ? found['schemaVersion'] : undefined;
  if (typeof version === 'number' && version !== schemaVersion) {
    const message = `status.schemaVersion is ${version}, but this version of Linnet reads ${schemaVersion}: run the version that wrote it`;
    return refused('StatusUnreadable', message);
  }
  const value = Value.Default(CanaryStatus, found);
  const [problem] = fieldProblems('status', validator.Errors(value), { schema: looseStatus, value });
  if (problem !== undefined) return refused('StatusUnreadable', `${problem.field} ${problem.message}`);
  const status = value as CanaryStatus;
  const contradiction = contradictionIn(status);
  return contradiction === undefined ? { status, problem: undefined } : refused('StatusTampered', contradiction);
}

function refused(reason: StatusProblem['reason'], message: string): ReadStatus {
  return { status: undefined, problem: { reason, message } };
}

const atRest: readonly Stage[] = ['Initializing', 'Resting', 'Releasing'];

/** Something that Linnet never writes, in one sentence. */
function contradictionIn(status: CanaryStatus): string | undefined {
  const { stage, phase, release } = status;
  if (atRest.includes(stage)) return undefined;
  if (release === undefined) return `status.stage is ${stage}, but status.release is missing`;
  if (phase === 'Succeeded' || (phase === 'Failed' && stage !== 'Carrying')) {
    return `status.phase is ${phase}, but status.stage is ${stage}, in the middle of a release`;
  }
  const weights = release.frozen.steps.map((step) => step.weight);
  if (!risesStrictly(weights) || weights.at(-1) !== 100) {
    return `status.release.frozen.steps has the weights ${weights.join(', ')}, but they must rise strictly to 100`;
  }
  return foreignFence(status);
}

function foreignFence({ intent, attempt }: CanaryStatus): string | undefined {
  if (intent === undefined) return undefined;
  const fence = /^(\d+)\.\d+$/.exec(intent.fence);
  if (fence !== null && Number(fence[1]) <= attempt) return undefined;
  return `status.intent.fence is ${JSON.stringify(intent.fence)}, but must be <attempt>.<n> with an attempt up to ${attempt}`;
}
