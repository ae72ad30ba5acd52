import pc from 'picocolors';
import type { CanaryStatus } from '../../api/canary-status.ts';
import { systemClock } from '../../system.ts';
import { Failure, failed } from '../failure.ts';
import { endOnSurprise, untilToldToStop } from '../lifetime.ts';
import type { DemoFlags } from '../demo.ts';
import { changeKey, lineOf, panelOf, type Scene } from './picture.ts';
import { playRelease } from './play.ts';
import { tableOf, writeReport } from './report.ts';
import type { ReleaseReport, Score } from './score.ts';
import { lineScreen, panelScreen, type Screen } from './screen.ts';
import { type Mode, type Shop, shops } from './shop.ts';
import { Interrupted, openWorld, usersPerSecond, type World, type WorldOptions } from './world.ts';

/** What is going on now, for whoever shows it. */
interface Now {
  title: string;
  status: CanaryStatus | undefined;
  /** Of the release under way, or of the last one. */
  score: Score | undefined;
  /** Since the demo began. */
  users: { requests: number; failed: number };
}

interface Demo {
  shop: Shop;
  now: Now;
  screen: Screen;
  stop: AbortSignal;
  reportPath: string | undefined;
}

/** Plays both releases. Throws Failure unless the good one is promoted and the bad one rolled back, or a person stops it in a terminal. */
export async function runDemo(flags: DemoFlags): Promise<void> {
  endOnSurprise((error) => console.error('linnet: a mistake that nobody caught; the demo ends:', error));
  const stopping = new AbortController();
  void untilToldToStop().then(() => stopping.abort());
  const staysOpen = process.stdout.isTTY && flags.once !== true;
  const now: Now = {
    title: 'The cluster starts ...',
    status: undefined,
    score: undefined,
    users: { requests: 0, failed: 0 },
  };
  const screen = openScreen(staysOpen, now);
  const demo = { shop: shops[flags.mode], now, screen, stop: stopping.signal, reportPath: flags.report };
  for (const line of introduction(flags.mode)) screen.say(line);
  let world: World | undefined;
  try {
    world = await openWorld({ ...listenersOf(demo), shop: demo.shop, stop: demo.stop });
    const reports = await playAll(demo, world);
    if (staysOpen) await stayOpen(demo);
    judge(demo, world, reports);
  } catch (error) {
    if (!(error instanceof Interrupted))
      throw error instanceof Failure ? error : failed('the demo could not go on', error);
    if (!staysOpen) throw new Failure('the demo was stopped before its end');
  } finally {
    screen.close();
    await world?.close();
  }
}

function introduction(mode: Mode): string[] {
  return [
    'A small cluster in this process, a shop with users, and two releases of it: a good one and a bad one.',
    `Mode ${mode}; ${usersPerSecond} requests a second through the gateway; steps of 5, 50 and 100 percent, 10 s each.`,
  ];
}

function openScreen(live: boolean, now: Now): Screen {
  const write = (text: string) => void process.stdout.write(text);
  if (!live) return lineScreen(systemClock, write);
  return panelScreen({
    clock: systemClock,
    write,
    columns: () => process.stdout.columns,
    panel: () => panelOf(sceneOf(now), pc),
  });
}

function sceneOf({ title, status, score, users }: Now): Scene {
  return { title, status, seen: score?.present(), users };
}

/** Passes on what users get and what status says, and says each change that a reader should know of. */
function listenersOf({ now, screen }: Demo): Pick<WorldOptions, 'onAnswer' | 'onStatus'> {
  let said: CanaryStatus | undefined;
  return {
    onAnswer(answer) {
      now.users.requests++;
      if (answer.cause !== undefined) now.users.failed++;
      now.score?.onAnswer(answer);
    },
    onStatus(status) {
      now.status = status;
      now.score?.onStatus(status, systemClock.monotonic());
      if (said !== undefined && changeKey(status) === changeKey(said)) return;
      screen.tell(lineOf(sceneOf(now), said));
      said = status;
    },
  };
}

/** Plays the releases one after the other; what was measured is written after each. */
async function playAll(demo: Demo, world: World): Promise<ReleaseReport[]> {
  const { shop, screen, now, stop, reportPath } = demo;
  const reports: ReleaseReport[] = [];
  const write = () => {
    if (reportPath === undefined) return;
    writeReport(reportPath, { schema: 1, kubeconfig: world.kubeconfigPath, releases: reports });
  };
  screen.say('Look on with kubectl in another terminal:');
  screen.say(`  KUBECONFIG=${world.kubeconfigPath} kubectl get canaries -w`);
  write();
  for (const [index, release] of shop.releases.entries()) {
    now.title = `Release ${index + 1} of ${shop.releases.length}: ${release.says}`;
    screen.say(now.title);
    reports.push(await playRelease(release, { world, shop, screen, stop, onBegin: (score) => (now.score = score) }));
    write();
    // The next one would only begin in the middle of this one.
    if (reports.at(-1)?.outcome === null) break;
  }
  for (const line of ['', ...tableOf(reports)]) screen.say(line);
  return reports;
}

/** Throws Failure, with the end of the engine's log, unless every release went as it should. */
function judge({ shop }: Demo, world: World, reports: ReleaseReport[]): void {
  const wrong = shop.releases.flatMap((release, index) => {
    const outcome = reports[index]?.outcome ?? 'not over in time';
    return outcome === release.expected ? [] : [`the ${release.name} release: ${outcome}, wanted ${release.expected}`];
  });
  if (wrong.length === 0) return;
  console.error(['The end of the log of the engine:', ...world.engineLog()].join('\n'));
  throw new Failure(wrong.join('; '));
}

async function stayOpen({ screen, now, stop }: Demo): Promise<void> {
  now.title = 'Both releases are over; everything goes on until Ctrl-C. Try: kubectl edit deployment';
  screen.say('The cluster, the users and the engine go on, for you to play with kubectl, until Ctrl-C.');
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
}
