import type { KubeObject } from '../../../api/objects.ts';
import type { WatchEvent } from '../types.ts';
import { clone } from './json.ts';
import type { Matcher } from './selectors.ts';

/** One change of one object: `before` is absent on creation, `after` on deletion. */
export interface Change {
  version: number;
  before?: KubeObject;
  after?: KubeObject;
}

interface Watcher {
  matches: Matcher;
  bookmarks: boolean;
  onEvent: (event: WatchEvent) => void;
  open: boolean;
  /** Changes up to here were given when the watch was opened, even if their delivery to others is still going on. */
  seen: number;
}

/** Changes of one kind that are kept for watches to resume; the API server's own limit grows from 100 upwards. */
const keptChanges = 5_000;

/** The latest changes of one kind, and those who watch it. */
export class WatchHistory {
  readonly #watchers = new Set<Watcher>();
  #changes: Change[] = [];
  #forgottenUpTo: number;
  readonly #onError: (error: unknown) => void;

  /** @param version the store's version now: nothing older can be asked for */
  constructor(version: number, onError: (error: unknown) => void) {
    this.#forgottenUpTo = version;
    this.#onError = onError;
  }

  /** The newest version whose change is forgotten; a watch can resume from it, not from an older one. */
  get forgottenUpTo(): number {
    return this.#forgottenUpTo;
  }

  add(change: Change): void {
    this.#changes.push(change);
    // Twice the limit before cutting, so that a write costs constant time on average.
    if (this.#changes.length >= 2 * keptChanges) {
      const cut = this.#changes.length - keptChanges;
      this.#forgottenUpTo = this.#changes[cut - 1]?.version ?? this.#forgottenUpTo;
      this.#changes = this.#changes.slice(cut);
    }
  }

  /** Gives one change to all present watchers. */
  deliver(change: Change): void {
    for (const watcher of this.#watchers) {
      if (change.version <= watcher.seen) continue;
      const event = eventFor(watcher.matches, change);
      if (event !== undefined) this.#send(watcher, event);
    }
  }

  /** Adds a watcher and gives it `first`, then the kept changes after `version`. @returns ends the watch */
  open(
    watcher: Pick<Watcher, 'matches' | 'bookmarks' | 'onEvent'>,
    first: readonly KubeObject[],
    version: number,
  ): () => void {
    const seen = Math.max(version, this.#changes.at(-1)?.version ?? 0);
    const added: Watcher = { ...watcher, open: true, seen };
    const missed = this.#changes.filter((change) => change.version > version);
    this.#watchers.add(added);
    for (const object of first) this.#send(added, { type: 'ADDED', object: clone(object) });
    for (const change of missed) {
      const event = eventFor(added.matches, change);
      if (event !== undefined) this.#send(added, event);
    }
    return () => {
      added.open = false;
      this.#watchers.delete(added);
    };
  }

  /** Tells those who asked for bookmarks that they have seen everything up to this object's resourceVersion. */
  bookmark(object: KubeObject): void {
    for (const watcher of this.#watchers) {
      if (watcher.bookmarks) this.#send(watcher, { type: 'BOOKMARK', object: clone(object) });
    }
  }

  forget(version: number): void {
    this.#changes = [];
    this.#forgottenUpTo = version;
  }

  #send(watcher: Watcher, event: WatchEvent): void {
    if (!watcher.open) return;
    try {
      watcher.onEvent(event);
    } catch (error) {
      this.#onError(error);
    }
  }
}

/** What a watcher sees of a change: an object that stops to match is deleted for it. */
function eventFor(matches: Matcher, { version, before, after }: Change): WatchEvent | undefined {
  const matchedBefore = before !== undefined && matches(before);
  if (after !== undefined && matches(after)) {
    return { type: matchedBefore ? 'MODIFIED' : 'ADDED', object: clone(after) };
  }
  if (!matchedBefore) return undefined;
  const last = clone(before);
  last.metadata.resourceVersion = String(version);
  return { type: 'DELETED', object: last };
}
